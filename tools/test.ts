/**
 * `npm test`: what CI runs. Installs the Debian packages that the tests use, then checks, unit, integration and
 * end-to-end tests, and a closing line `N passed, N failed`.
 *
 * `npm test -- unit integration` runs just those tiers, and `npm test -- survival` what calls go on through.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  CLUSTER_COMPONENTS,
  continuedAsRoot,
  ensureBinaries,
  ensurePrograms,
  printProgress,
} from '@parley/devcluster'
import { buildImages } from '@parley/images'
import { execa } from 'execa'
import { runChecks } from './check.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tiers = ['check', 'unit', 'integration', 'e2e', 'survival'] as const
type Tier = (typeof tiers)[number]
type Count = { passed: number; failed: number }

/** What the tests start, and the Debian package that has it. */
const programs = [
  { program: 'turnserver', debianPackage: 'coturn' },
  { program: 'sqlite3', debianPackage: 'sqlite3' },
  { program: 'openssl', debianPackage: 'openssl' },
  { program: 'redis-server', debianPackage: 'redis-server' },
  { program: 'mariadbd', debianPackage: 'mariadb-server-core' },
  { program: 'my_print_defaults', debianPackage: 'mariadb-client-core' },
  { program: 'promtool', debianPackage: 'prometheus' },
  { program: 'prometheus', debianPackage: 'prometheus' },
  { program: 'chromium', debianPackage: 'chromium' },
  { program: 'zsh', debianPackage: 'zsh' },
  { program: 'fish', debianPackage: 'fish' },
]

/** In these, browsers want both cores, or something is counted or timed that neighbours would disturb. */
const alone = ['webapp/', 'e2e/', 'meter/src/ground-truth', 'operator/src/reconcile/overload']

/** How jest runs a tier, one call after the other. Most of integration waits for servers: two suites at a time. */
const calls: Record<Exclude<Tier, 'check'>, readonly string[][]> = {
  unit: [['--maxWorkers=100%']],
  integration: [
    [
      '--maxWorkers=2',
      ...['/node_modules/', '/dist/', ...alone.map((path) => `<rootDir>/${path}`)].map(
        (path) => `--testPathIgnorePatterns=${path}`,
      ),
    ],
    ['--runInBand', ...alone.map((path) => `./${path}`)],
  ],
  e2e: [['--runInBand']],
  survival: [['--runInBand']],
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !tiers.some((tier) => tier === name))
if (unknown.length > 0) {
  console.error(`error: no tier ${unknown.join(', ')}; there are ${tiers.join(', ')}`)
  process.exit(2)
}
/** How long videos stand still says something on a quiet machine only, so that one is asked for by name. */
const chosen = tiers.filter((t) => (asked.length > 0 ? asked.includes(t) : t !== 'survival'))

const onProgress = printProgress(process.stdout)
if (chosen.some((tier) => tier !== 'check' && tier !== 'unit')) {
  if (await continuedAsRoot(import.meta.url, CLUSTER_COMPONENTS, onProgress)) process.exit()
  await prepare()
}

let total: Count = { passed: 0, failed: 0 }
for (const tier of chosen) {
  const startedAt = Date.now()
  console.log(`\n── ${tier}`)
  const count = sum(tier === 'check' ? [await check()] : await jestCalls(tier))
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0)
  console.log(`── ${tier}: ${count.passed} passed, ${count.failed} failed in ${seconds} s`)
  total = sum([total, count])
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1

/** What takes minutes the first time happens before the tests, with progress, not inside of one. */
async function prepare(): Promise<void> {
  await ensurePrograms(programs, onProgress)
  await ensureBinaries([...CLUSTER_COMPONENTS, 'helm'], { onProgress })
  await buildImages({ onProgress })
}

async function check(): Promise<Count> {
  const results = await runChecks()
  for (const { name, ok, output } of results) console.log(ok ? `✓ ${name}` : `✗ ${name}\n${output}`)
  const passed = results.filter(({ ok }) => ok).length
  return { passed, failed: results.length - passed }
}

async function jestCalls(tier: Exclude<Tier, 'check'>): Promise<Count[]> {
  const counts: Count[] = []
  for (const args of calls[tier]) counts.push(await jest(tier, args))
  return counts
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  })
}

/** A suite that does not even load counts as one failure, as does a jest that dies. */
async function jest(tier: string, args: readonly string[]): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const outputFile = join(folder, 'result.json')
  try {
    const { exitCode } = await execa(
      'npm',
      [
        'run',
        '--silent',
        'jest',
        '--',
        '--selectProjects',
        tier,
        '--json',
        `--outputFile=${outputFile}`,
        ...args,
      ],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], reject: false },
    )
    const result = JSON.parse(await readFile(outputFile, 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
      numRuntimeErrorTestSuites: number
    }
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites
    return { passed: result.numPassedTests, failed: exitCode === 0 ? failed : Math.max(failed, 1) }
  } catch (error) {
    console.error(`✗ ${tier} did not run to its end: ${(error as Error).message}`)
    return { passed: 0, failed: 1 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
