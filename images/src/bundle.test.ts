import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { expect, it } from '@jest/globals'
import { execa } from 'execa'
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

it('a bundle has neither comments, nor long lines, nor languages that nobody asks for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bundle-'))
  try {
    const entry = join(folder, 'entry.ts')
    await mkdir(join(folder, 'node_modules'))
    await symlink(join(repositoryRoot, 'node_modules/zod'), join(folder, 'node_modules/zod'))
    const source = [
      "import { z } from 'zod'",
      'class Some {',
      '  /** One character beyond Latin-1, as this — makes Node keep two bytes for each. */',
      '  name() { return z.string().min(3) }',
      '}',
      "if ('string' in z) console.log(new Some().name().safeParse('a…').error?.issues[0]?.message)",
    ]
    await writeFile(entry, source.join('\n'))
    const bundle = { entry: relative(repositoryRoot, entry), name: 'entry' }
    const out = await cachedBundle(bundle, join(folder, 'out'))
    const file = join(out, 'entry.mjs')
    const text = await readFile(file, 'utf8')
    expect(text).not.toMatch(/[^\0-\x7f]/)
    expect(text).not.toContain('/**')
    expect(text.split('\n').length).toBeGreaterThan(text.length / 200)
    // Catalan is among them.
    expect(text).not.toContain('Entrada inv')
    const { stdout } = await execa(process.execPath, [file])
    expect(stdout).toBe('Too small: expected string to have >=3 characters')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
