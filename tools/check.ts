/** Everything that is checked without running Parley: `npm run check`. */
import { readdir } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { importViolations } from './imports.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

export type CheckResult = { name: string; ok: boolean; output: string }

/** Runs each check to its end, also after one has failed. */
export async function runChecks(): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  results.push(await command('format and lint', 'biome', ['ci', '--colors=off', '.']))
  for (const folder of await typescriptFolders())
    results.push(await command(`types of ${folder}/`, 'tsc', ['-p', folder]))
  const violations = await importViolations(root)
  results.push({
    name: 'import direction',
    ok: violations.length === 0,
    output: violations.join('\n'),
  })
  results.push(await command('unused code and dependencies', 'knip', ['--no-progress']))
  results.push(
    await command('generated files are current', 'node', ['tools/generate.ts', '--check']),
  )
  return results
}

async function typescriptFolders(): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
  const withConfig = await Promise.all(
    folders.map(async ({ name }) =>
      (await readdir(`${root}/${name}`)).includes('tsconfig.json') ? [name] : [],
    ),
  )
  return withConfig.flat()
}

async function command(name: string, file: string, args: string[]): Promise<CheckResult> {
  const { exitCode, all } = await execa(file, args, {
    cwd: root,
    preferLocal: true,
    all: true,
    reject: false,
  })
  return { name, ok: exitCode === 0, output: all ?? '' }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const results = await runChecks()
  for (const { name, ok, output } of results)
    console.log(ok ? `✓ ${name}` : `✗ ${name}\n${output}\n`)
  process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
}
