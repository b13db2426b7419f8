import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { expect, it } from '@jest/globals'
import { assetAt, cachedBundle } from './bundle.ts'
import { repositoryRoot } from './paths.ts'

const source = join(repositoryRoot, 'cli/src/up/up.ts')

it.each([
  ['../../..', 'the whole checkout'],
  ['../../../', 'the whole checkout'],
  ['../../../..', 'the whole checkout'],
  ['../../../node_modules', 'installed packages'],
])('refuses to copy %s: %s', (target, what) => {
  const expression = `new URL('${target}', import.meta.url)`
  expect(() => assetAt(source, target)).toThrow(
    `cli/src/up/up.ts: ${expression} would copy ${what} into the bundle`,
  )
})

it.each(['../../package.json', '../commands', './nothing'])('takes %s', (target) => {
  expect(assetAt(source, target)).toBe(join(repositoryRoot, 'cli/src/up', target))
})

it('a source that asks for it is not bundled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bundle-'))
  try {
    const project = join(folder, 'project')
    const entry = join(project, 'src', 'entry.ts')
    await mkdir(join(project, 'node_modules'), { recursive: true })
    await mkdir(dirname(entry))
    await writeFile(entry, "console.log(new URL('..', import.meta.url))")
    await expect(
      cachedBundle({ entry: relative(repositoryRoot, entry), name: 'entry' }, join(folder, 'out')),
    ).rejects.toThrow("src/entry.ts: new URL('..', import.meta.url) would copy installed packages")
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
