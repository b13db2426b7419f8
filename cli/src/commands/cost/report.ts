import { existsSync } from 'node:fs'
import { type RelayCostReport, relayCostReportSchema, reportDimensions } from '@parley/protocol'
import {
  defaultPreset,
  dimensionsFor,
  parseBy,
  parseWindow,
  presetOfRegion,
  presetPrices,
  pricesOver,
} from '@parley/relay-cost'
import type { Command } from 'commander'
import { UsageError } from '../../errors.ts'
import { type Format, format, print, top } from './output.ts'
import { priceListsOf } from './prices-of.ts'

const dimensions = reportDimensions.join(', ')

export function addReport(cost: Command): void {
  cost
    .command('report')
    .description('the relay-cost report of a MeetingCluster, or of a meter’s store')
    .option('--cluster <ns/name>', 'ask the meter of this MeetingCluster')
    .option('--store <url>', 'read this store, for example sqlite:/var/lib/parley/meter.db')
    .option('--kubeconfig <file>', 'kubeconfig for --cluster (default: $KUBECONFIG)')
    .option('--window <duration>', 'the last 30m, 24h, 7d, … (default: 24h)')
    .option('--from <instant>', 'start of the window, ISO 8601; UTC without a zone')
    .option('--to <instant>', 'end of the window, as --from')
    .option('--by <dimensions>', `rows by any of ${dimensions}`, 'room')
    .option(
      '--prices <file|preset>',
      `with --store: prices to use (default: aws/ and the region, or ${defaultPreset})`,
    )
    .option('--region <region>', 'with --store: of which region it is (default: as its meter said)')
    .addOption(format())
    .addOption(top())
    .option('--advice', 'also say what could cost less, and which tenants moved')
    .addHelpText(
      'after',
      `
Examples:
  $ parley cost report --cluster meetings/demo --by tenant,room
  $ parley cost report --cluster meetings/demo --window 7d --by day -o csv > week.csv
  $ parley cost report --cluster meetings/demo --window 7d --advice
  $ parley cost report --store sqlite:./meter.db --prices aws/eu-central-1 -o focus
`,
    )
    .action(async (options: ReportOptions) => print(await report(options), options))
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
  region?: string
  output: Format
  top?: number
  advice?: true
}

async function report(options: ReportOptions): Promise<RelayCostReport> {
  const now = Date.now()
  const by = dimensionsFor(options.output, parseBy(options.by))
  const window = parseWindow(options, now)
  if (options.cluster && options.store) throw new UsageError('give --cluster or --store, not both')
  if (options.cluster && options.prices)
    throw new UsageError(
      '--prices goes with --store: the meter of a MeetingCluster has the prices of its spec.cost.prices',
    )
  if (options.cluster && options.region)
    throw new UsageError('--region goes with --store: a MeetingCluster has its spec.region')
  if (options.store) {
    const { openStore, storeReport } = await import('@parley/meter')
    mustExist(options.store)
    const prices = options.prices && (await priceListsOf(options.prices))
    if (!prices && options.region && !isPriced(options.region))
      throw new UsageError(
        `there is no preset aws/${options.region}; say by which prices, with --prices: a preset of \`parley cost prices list\`, or a file`,
      )
    const regions = new Set<string>()
    const listsOf = (region: string) => {
      regions.add(region)
      return prices || [presetPrices(presetOfRegion(region))]
    }
    const store = await openStore(options.store)
    try {
      const made = await storeReport(store, {
        ...{ window, by, asOf: Math.min(now, window.to) },
        pricesOf: (window, region) => pricesOver(listsOf(region), window, region || undefined),
        ...(options.region && { region: options.region }),
        advice: options.advice ?? false,
      })
      const unpriced = prices ? [] : [...regions].filter((region) => region && !isPriced(region))
      const notes = unpriced.map(
        (region) =>
          `There is no preset aws/${region}: region ${region} is priced by ${defaultPreset}; --prices takes others.`,
      )
      return { ...made, notes: [...made.notes, ...notes] }
    } finally {
      await store.close()
    }
  }
  if (!options.cluster)
    throw new UsageError('say whose report: --cluster NAMESPACE/NAME, or --store URL')
  const { askMeter, parseClusterName, withApi } = await import('../../cluster.ts')
  const cluster = parseClusterName(options.cluster)
  const query = new URLSearchParams({
    from: new Date(window.from).toISOString(),
    to: new Date(window.to).toISOString(),
    by: by.join(','),
    ...(options.advice && { advice: 'true' }),
  })
  return withApi(options.kubeconfig, async (api) =>
    relayCostReportSchema.parse(await askMeter(api, cluster, `/report?${query}`)),
  )
}

/** Whether the preset that is taken for a region is its own. */
function isPriced(region: string): boolean {
  return presetOfRegion(region) === `aws/${region}`
}

/** To open a store makes it where it is missing: right for a meter, a surprise from a report. */
function mustExist(store: string): void {
  const file = /^sqlite:(.+)$/.exec(store)?.[1]
  if (file && file !== ':memory:' && !existsSync(file))
    throw new UsageError(`there is no store ${file}; give the file that the meter writes`)
}
