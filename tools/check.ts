/** Everything that is checked without running Parley: `npm run check`. */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { importViolations } from './imports.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

export type CheckResult = { name: string; ok: boolean; output: string }

/** Runs each check to its end, also after one has failed; as many side by side as there are cores. */
export async function runChecks(): Promise<CheckResult[]> {
  // The longest come first.
  const checks = [
    ...(await typePrograms()).map(
      ({ name, folder }) =>
        () =>
          command(name, 'tsc', ['-p', folder]),
    ),
    () => command('generated files are current', 'node', ['tools/generate.ts', '--check']),
    () => command('format and lint', 'biome', ['ci', '--colors=off', '.']),
    () => command('unused code and dependencies', 'knip', ['--no-progress']),
    importDirection,
  ]
  const results: CheckResult[] = []
  const waiting = checks.entries()
  const worker = async () => {
    for (const [index, check] of waiting) results[index] = await check()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return results
}

/**
 * The sources of most folders are one program, so that what they share is looked at once. What that program leaves out
 * has a program of its own, with other types around it.
 */
async function typePrograms(): Promise<{ name: string; folder: string }[]> {
  const config = JSON.parse(await readFile(`${root}/tsconfig.json`, 'utf8')) as {
    exclude: string[]
  }
  const apart = config.exclude.filter((folder) => folder !== 'node_modules')
  return [
    { name: 'types', folder: '.' },
    ...apart.map((folder) => ({ name: `types of ${folder}/`, folder })),
  ]
}

async function importDirection(): Promise<CheckResult> {
  const violations = await importViolations(root)
  return {
    name: 'import direction',
    ok: violations.length === 0,
    output: violations.join('\n'),
  }
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
