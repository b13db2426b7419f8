import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { hashFolders, hashOf } from './hash.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-hash-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function tree(name: string, files: Record<string, string>): Promise<string> {
  const root = join(folder, name)
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(root, file, '..'), { recursive: true })
    await writeFile(join(root, file), text)
  }
  return root
}

it('REQ-K1: parts that join to the same text have different hashes', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (left, right) => {
      const same = left.length === right.length && left.every((part, i) => part === right[i])
      return (hashOf(...left) === hashOf(...right)) === same
    }),
  )
  expect(hashOf('ab', 'c')).not.toBe(hashOf('a', 'bc'))
})

it('REQ-K1: a copy of a context has its hash, wherever and whenever it was made', async () => {
  const files = { Dockerfile: 'FROM a', 'app/main.mjs': 'x', 'app/chunk.mjs': 'y' }
  const first = await tree('first', files)
  const second = await tree('second', files)
  await utimes(join(second, 'Dockerfile'), new Date(0), new Date(0))
  expect(await hashFolders([second])).toBe(await hashFolders([first]))
})

it.each([
  ['content', { Dockerfile: 'FROM b', 'app/main.mjs': 'x' }],
  ['a name', { Dockerfile: 'FROM a', 'app/other.mjs': 'x' }],
  ['one more file', { Dockerfile: 'FROM a', 'app/main.mjs': 'x', extra: '' }],
])('REQ-K1: a context that differs in %s has another hash', async (_what, files) => {
  const before = await tree('before', { Dockerfile: 'FROM a', 'app/main.mjs': 'x' })
  const after = await tree('after', files)
  expect(await hashFolders([after])).not.toBe(await hashFolders([before]))
})

it('REQ-K1: folders that are left out do not count, deeper ones of that name do', async () => {
  const one = await tree('one', { 'src/a.ts': 'x', 'node_modules/b/index.js': '1' })
  const two = await tree('two', { 'src/a.ts': 'x', 'node_modules/b/index.js': '2' })
  const three = await tree('three', { 'src/a.ts': 'x', 'src/node_modules/b.js': '2' })
  expect(await hashFolders([one], ['node_modules'])).toBe(
    await hashFolders([two], ['node_modules']),
  )
  expect(await hashFolders([one])).not.toBe(await hashFolders([two]))
  expect(await hashFolders([three], ['node_modules'])).not.toBe(
    await hashFolders([one], ['node_modules']),
  )
})
