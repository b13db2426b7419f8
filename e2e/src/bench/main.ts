import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Argument, Command, InvalidArgumentError } from 'commander'
import { requireWritable } from '../json-file.ts'
import { type Bench, meetsFloor, tableOf } from './bench.ts'
import { clientBench } from './client/client-bench.ts'
import { costBench } from './cost/cost-bench.ts'
import { gatewayBench } from './gateway/gateway-bench.ts'
import { httpMonitorBench } from './http-monitor/http-monitor-bench.ts'
import { infraBench } from './infra/infra-bench.ts'
import { joinBench } from './join/join-bench.ts'
import { operatorBench } from './operator/operator-bench.ts'
import { reconnectBench } from './reconnect/reconnect-bench.ts'
import { signalingBench } from './signaling/signaling-bench.ts'
import { turnBench } from './turn/turn-bench.ts'

const benches: readonly Bench[] = [
  operatorBench,
  costBench,
  turnBench,
  infraBench,
  httpMonitorBench,
  signalingBench,
  gatewayBench,
  joinBench,
  reconnectBench,
  clientBench,
]

const program = new Command('npm run bench --')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .showHelpAfterError('(run with --help to see what there is)')
  .description(
    'Measures one part of Parley against a baseline of the same run. Exits 1 when a figure misses its floor.',
  )
  .addArgument(new Argument('<name>', 'what to measure').choices(benches.map(({ name }) => name)))
  .option('--part <names>', 'only these parts of it, for example report,replay', names)
  .option('--folder <folder>', 'where its files are made and stay, to be used again')
  .option('--json <file>', 'write the figures to a file')
  .option('--n <sizes>', 'sizes to measure at, for example 100,300', sizes)
  .option('--repeat <times>', 'runs of each size; the median counts', count, 1)
  .addHelpText(
    'after',
    `
Benches:
${benches.map(({ name, summary, minutes, parts }) => `  ${name.padEnd(12)} ${summary} (about ${minutes} min${parts ? `; parts: ${parts.join(', ')}` : ''})`).join('\n')}

Examples:
  $ npm run bench -- operator --n 100             the smallest size only, five minutes
  $ npm run bench -- operator --json out.json     all sizes, figures also as JSON
  $ npm run bench -- operator --repeat 3          medians, with their spread
  $ npm run bench -- cost --n 100                 100,000 allocations and 1 million lines, about a minute
  $ npm run bench -- cost --part replay           10 million lines alone
`,
  )
  .parse()
const options = program.opts<{
  json?: string
  n?: number[]
  repeat: number
  part?: string[]
  folder?: string
}>()
const bench = benches.find(({ name }) => name === program.args[0])
if (!bench) throw new Error('commander let an unknown bench through')

const unknown = options.part?.filter((name) => !bench.parts?.includes(name)) ?? []
if (unknown.length > 0) {
  const known = bench.parts ? `it has ${bench.parts.join(', ')}` : 'it has none'
  console.error(`error: ${bench.name} has no part ${unknown.join(', ')}; ${known}`)
  process.exit(2)
}
if (options.json) await requireWritable(options.json)

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort()
    // What was started ends with this process; a second signal need not wait for the clean way.
    process.once(signal, () => process.exit(130))
  })
}

const started = performance.now()
const say = (line: string) =>
  console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`)
try {
  const figures = await bench.run({
    ...(options.n ? { sizes: options.n } : {}),
    ...(options.part ? { parts: options.part } : {}),
    ...(options.folder ? { folder: options.folder } : {}),
    repeat: options.repeat,
    say,
    signal: stop.signal,
  })
  const machine = { cores: availableParallelism(), node: process.versions.node }
  if (options.json) {
    const result = { bench: bench.name, machine, figures }
    await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`)
  }
  console.log(tableOf(figures))
  const missed = figures.filter((figure) => !meetsFloor(figure))
  if (missed.length > 0) {
    console.error(`error: ${missed.length} of ${figures.length} figures miss their floor`)
    process.exitCode = 1
  }
} catch (error) {
  console.error(stop.signal.aborted ? 'interrupted' : `error: ${(error as Error).message}`)
  process.exitCode = stop.signal.aborted ? 130 : 1
}

function sizes(text: string): number[] {
  const values = text.split(',').map(Number)
  if (!values.every((value) => Number.isInteger(value) && value >= 1 && value <= 100_000))
    throw new InvalidArgumentError('It must be numbers from 1 to 100000, with commas in between.')
  return values
}

function names(text: string): string[] {
  return text.split(',')
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 100)
    throw new InvalidArgumentError('It must be a number from 1 to 100.')
  return value
}
