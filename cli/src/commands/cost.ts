import { existsSync } from 'node:fs'
import { type RelayCostReport, relayCostReportSchema, reportDimensions } from '@parley/protocol'
import {
  buildReport,
  loadPrices,
  type Prices,
  parseBy,
  parseWindow,
  presetPrices,
  presets,
  renderReport,
  renderWhatIf,
  replayEvents,
  replayReport,
  reportFormats,
  whatIf,
} from '@parley/relay-cost'
import { type Command, InvalidArgumentError, Option } from 'commander'
import picocolors from 'picocolors'
import { UsageError } from '../errors.ts'
import { readLines, readTextFile } from '../input.ts'

const dimensions = reportDimensions.join(', ')

export function addCost(program: Command): void {
  const cost = program
    .command('cost')
    .description('what relaying cost: reports, recorded streams, scenarios')
  addReport(cost)
  addReplay(cost)
  addWhatIf(cost)
}

function addReport(cost: Command): void {
  cost
    .command('report')
    .description('the relay-cost report of a MeetingCluster, or of a meter’s store')
    .option('--cluster <ns/name>', 'ask the meter of this MeetingCluster')
    .option('--store <url>', 'read this store, for example sqlite:/var/lib/parley/meter.db')
    .option('--kubeconfig <file>', 'kubeconfig for --cluster (default: $KUBECONFIG)')
    .option('--window <duration>', 'the last 30m, 24h, 7d, … (default: 24h)')
    .option('--from <instant>', 'start of the window, ISO 8601')
    .option('--to <instant>', 'end of the window, ISO 8601')
    .option('--by <dimensions>', `rows by any of ${dimensions}`, 'room')
    .option('--prices <file|preset>', 'with --store: prices to use (default: aws/us-east-1)')
    .addOption(format())
    .addHelpText(
      'after',
      `
Examples:
  $ parley cost report --cluster meetings/demo --by tenant,room
  $ parley cost report --cluster meetings/demo --window 7d --by day -o csv > week.csv
  $ parley cost report --store sqlite:./meter.db --prices aws/eu-central-1 -o focus
`,
    )
    .action(async (options: ReportOptions) => print(await report(options), options.output))
}

type ReportOptions = {
  cluster?: string
  store?: string
  kubeconfig?: string
  window?: string
  from?: string
  to?: string
  by: string
  prices?: string
  output: Format
}

async function report(options: ReportOptions): Promise<RelayCostReport> {
  const now = Date.now()
  const by = parseBy(options.by)
  const window = parseWindow(options, now)
  if (options.cluster && options.store) throw new UsageError('give --cluster or --store, not both')
  if (options.cluster && options.prices)
    throw new UsageError(
      '--prices goes with --store: the meter of a MeetingCluster has the prices of its spec.cost.prices',
    )
  if (options.store) {
    const { openStore } = await import('@parley/meter')
    mustExist(options.store)
    const store = await openStore(options.store)
    try {
      const allocations = await store.records(window)
      const prices = await pricesOf(options.prices ?? 'aws/us-east-1')
      return buildReport({ allocations, window, prices, by })
    } finally {
      await store.close()
    }
  }
  if (!options.cluster)
    throw new UsageError('say whose report: --cluster NAMESPACE/NAME, or --store URL')
  const { askMeter, parseClusterName, withApi } = await import('../cluster.ts')
  const cluster = parseClusterName(options.cluster)
  const query = new URLSearchParams({
    from: new Date(window.from).toISOString(),
    to: new Date(window.to).toISOString(),
    by: by.join(','),
  })
  return withApi(options.kubeconfig, async (api) =>
    relayCostReportSchema.parse(await askMeter(api, cluster, `/report?${query}`)),
  )
}

/** To open a store makes it where it is missing: right for a meter, a surprise from a report. */
function mustExist(store: string): void {
  const file = /^sqlite:(.+)$/.exec(store)?.[1]
  if (file && file !== ':memory:' && !existsSync(file))
    throw new UsageError(`there is no store ${file}; give the file that the meter writes`)
}

function addReplay(cost: Command): void {
  cost
    .command('replay')
    .description('the same report from a recorded coturn statsdb stream')
    .requiredOption(
      '--events <file>',
      'JSON lines {"t": ms, "channel": "turn/realm/…", "message": "…"}; any order, repeats allowed',
    )
    .requiredOption('--prices <file|preset>', 'prices to use')
    .option('--by <dimensions>', `rows by any of ${dimensions}`, 'room')
    .addOption(format())
    .addHelpText(
      'after',
      `
A line that cannot be read is named by its number on standard error; the rest is counted.

Example:
  $ parley cost replay --events stream.jsonl --prices aws/eu-central-1 --by tenant,room
`,
    )
    .action(async (options: { events: string; prices: string; by: string; output: Format }) => {
      const by = parseBy(options.by)
      const prices = await pricesOf(options.prices)
      const replay = replayEvents(await linesOf(options.events))
      for (const { line, reason } of replay.rejected.slice(0, 20))
        console.error(`${options.events}:${line}: ${reason}; the line is left out`)
      if (replay.rejected.length > 20)
        console.error(`… and ${replay.rejected.length - 20} more lines were left out`)
      if (replay.accepted === 0)
        throw new Error(
          `${options.events} has no event that can be counted; it wants JSON lines {"t": epoch ms, "channel": "turn/realm/…", "message": "…"}`,
        )
      print(replayReport(replay, { prices, by }), options.output)
    })
}

function addWhatIf(cost: Command): void {
  cost
    .command('what-if')
    .description('the cost of a scenario')
    .requiredOption('--users <n>', 'concurrent users', atLeastZero)
    .requiredOption('--relay-share <share>', 'share of them that is relayed, 0 to 1', share)
    .option('--prices <file|preset>', 'price the relayed traffic by this price list')
    .option('--flat-rate <perHour>', 'instead: money per relayed user and hour', atLeastZero)
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ parley cost what-if --users 100 --relay-share 0.2 --flat-rate 0.05
  $ parley cost what-if --users 100 --relay-share 0.2 --prices aws/eu-central-1 -o json
`,
    )
    .action(
      async (options: {
        users: number
        relayShare: number
        prices?: string
        flatRate?: number
        output: 'table' | 'json'
      }) => {
        if (options.prices && options.flatRate !== undefined)
          throw new UsageError('give --prices or --flat-rate, not both')
        const rate = options.prices
          ? { prices: await pricesOf(options.prices) }
          : { flatRate: options.flatRate ?? 0.05 }
        const { users, relayShare } = options
        process.stdout.write(renderWhatIf(whatIf({ users, relayShare, ...rate }), options.output))
      },
    )
}

type Format = (typeof reportFormats)[number]

function format(): Option {
  return new Option('-o, --output <format>', 'how to print it')
    .choices([...reportFormats])
    .default('table')
}

function print(report: RelayCostReport, output: Format): void {
  const width = process.stdout.columns ?? 100
  process.stdout.write(renderReport(report, output, { width, colour: picocolors }))
}

/** A preset's name, or a price file. @throws with the presets there are, when it is neither */
async function pricesOf(fileOrPreset: string): Promise<Prices> {
  if (Object.hasOwn(presets, fileOrPreset)) return presetPrices(fileOrPreset)
  try {
    return loadPrices(await readTextFile(fileOrPreset), fileOrPreset)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(
      `there is no price file "${fileOrPreset}", and no preset of that name; presets: ${Object.keys(presets).join(', ')}`,
    )
  }
}

async function linesOf(file: string): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(file)) lines.push(line)
  return lines
}

function atLeastZero(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number, 0 or more.')
  return value
}

function share(text: string): number {
  const value = atLeastZero(text)
  if (value > 1) throw new InvalidArgumentError('It must be between 0 and 1, for example 0.2.')
  return value
}
