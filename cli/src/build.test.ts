import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { buildOf } from './build.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-build-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function entry(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

it('REQ-K1: a build is told by the entry file of its bundle, which names all others by their content', async () => {
  const one = await buildOf(await entry('a.mjs', "import './chunk-manager-ABCD1234.mjs'"))
  const same = await buildOf(await entry('b.mjs', "import './chunk-manager-ABCD1234.mjs'"))
  const other = await buildOf(await entry('c.mjs', "import './chunk-manager-EFGH5678.mjs'"))
  expect(one).toMatch(/^[\w-]{43}$/)
  expect(same).toBe(one)
  expect(other).not.toBe(one)
})

it('REQ-K1: a build is known where it is started by a link, as in the image', async () => {
  const file = await entry('linked.mjs', "import './chunk-manager-ABCD1234.mjs'")
  const link = join(folder, 'parley')
  await symlink(file, link)
  expect(await buildOf(link)).toBe(await buildOf(file))
  expect(await buildOf(link)).toBeDefined()
  expect(await buildOf(join(folder, 'gone.mjs'))).toBeUndefined()
})

it('REQ-K1: sources that run as they are are no build', async () => {
  expect(
    await buildOf(await entry('main.ts', "import './chunk-manager-ABCD1234.mjs'")),
  ).toBeUndefined()
  expect(await buildOf(await entry('own.mjs', "import './main.ts'"))).toBeUndefined()
  expect(await buildOf(undefined)).toBeUndefined()
})
