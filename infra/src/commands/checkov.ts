import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { execa } from 'execa'
import pc from 'picocolors'
import { InfraError } from '../errors.ts'
import { suppressions } from '../policy/checkov.ts'
import { type SynthesizedStack, synthesize } from '../synth.ts'
import { EXAMPLE_CONFIG, readConfig } from './config-file.ts'

/** The version that the suppressions are for. */
export const CHECKOV_VERSION = '3.3.30'

export function addCheckov(program: Command): void {
  program
    .command('checkov')
    .description('what checkov says of the stacks, offline; fetches it from PyPI the first time')
    .option('--config <file>', 'the configuration', EXAMPLE_CONFIG)
    .action(async ({ config: file }: { config: string }) => {
      const stacks = synthesize(await readConfig(file))
      const checkov = await ensureCheckov((text) => console.error(pc.dim(text)))
      const { passed, failed } = await runCheckov(checkov, stacks)
      for (const [id, reason] of Object.entries(suppressions))
        console.log(pc.dim(`suppressed ${id}: ${reason}`))
      console.log(`${passed} checks passed, ${failed.length} failed`)
      if (failed.length > 0) throw new InfraError('POLICY', failed.join('\n'))
    })
}

/** Where checkov is, once it has been fetched; the folder is that of all that Parley caches. */
export function checkovProgram(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(cache, 'parley', 'checkov', CHECKOV_VERSION, 'bin', 'checkov')
}

async function ensureCheckov(say: (text: string) => void): Promise<string> {
  const program = checkovProgram()
  if (existsSync(program)) return program
  const folder = join(program, '../..')
  say(`… checkov ${CHECKOV_VERSION} from PyPI into ${folder}: some minutes, once`)
  const python = await execa('python3', ['-m', 'venv', folder], { reject: false })
  if (python.failed)
    throw new InfraError('POLICY', 'checkov wants Python: apt-get install python3 python3-venv')
  const pip = await execa(
    join(folder, 'bin/pip'),
    ['install', '--quiet', `checkov==${CHECKOV_VERSION}`],
    { reject: false },
  )
  if (!pip.failed) return program
  await rm(folder, { recursive: true, force: true })
  throw new InfraError('POLICY', `checkov was not installed: ${pip.stderr.split('\n').at(-1)}`)
}

type Report = {
  summary: { passed: number; parsing_errors: number }
  results: {
    failed_checks: { check_id: string; check_name: string; resource: string; file_path: string }[]
  }
}

/** @returns how many checks passed, and a line for each that did not and is not suppressed */
export async function runCheckov(
  program: string,
  stacks: readonly SynthesizedStack[],
): Promise<{ passed: number; failed: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-checkov-'))
  try {
    for (const { name, json } of stacks) {
      // Its parser stumbles over anything in this block that is no block.
      const { required_version: _, ...terraform } = json.terraform as Record<string, unknown>
      await mkdir(join(folder, name))
      await writeFile(
        join(folder, name, 'cdk.tf.json'),
        JSON.stringify({ ...json, terraform }, null, 2),
      )
    }
    const { stdout } = await execa(
      program,
      [
        ...['-d', folder, '--framework', 'terraform_json', '--skip-download', '--quiet'],
        ...['--soft-fail', '-o', 'json', '--skip-check', Object.keys(suppressions).join(',')],
      ],
      { env: { LOG_LEVEL: 'ERROR' } },
    )
    const { summary, results } = JSON.parse(stdout) as Report
    if (summary.parsing_errors > 0 || summary.passed === 0)
      throw new InfraError('POLICY', `checkov could not read ${summary.parsing_errors} stacks`)
    const failed = results.failed_checks.map(
      ({ check_id, check_name, resource, file_path }) =>
        `${check_id}: ${file_path} ${resource}: ${check_name}`,
    )
    return { passed: summary.passed, failed }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
