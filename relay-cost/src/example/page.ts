import type { RelayCostReport, ReportDimension } from '@parley/protocol'
import { adviseOn } from '../advice/advice.ts'
import { dayMs } from '../allocation.ts'
import { cellsOf } from '../cells.ts'
import { presetPrices } from '../prices/presets.ts'
import { renderReport } from '../render/index.ts'
import { reportOf } from '../report.ts'
import { nextMonth, type PricedSums } from '../span.ts'
import { sumCells } from '../sums.ts'
import type { UsageCell } from '../usage.ts'
import { type ExampleMonth, exampleMonth, exampleRegions } from './month.ts'
import { marks, pictureOf } from './picture.ts'

const month = Date.UTC(2026, 9)
const before = Date.UTC(2026, 8)
/** Two TURN pods a region, each on a node of its own that relays 2 Gbit/s at most. */
const [podsEach, capacityMbps] = [2, 2000]
const weekMs = 7 * dayMs

type Known = ExampleMonth & { cells: UsageCell[] }

function monthOf(start: number, seed: number): Known[] {
  return exampleMonth(start, seed).map((each) => ({
    ...each,
    cells: cellsOf(each.allocations, { ...each, asOf: nextMonth(start) }),
  }))
}

/** The files of the example month, by their paths in docs: the page, pictures of tables, the FOCUS file. */
export function exampleMonthFiles(): Record<string, string> {
  const now = monthOf(month, 1)
  const report = (by: readonly ReportDimension[]) => reportBy(now, month, by)
  const allocations = now.reduce((sum, each) => sum + each.allocations.length, 0)
  return {
    'examples/month.md': `# A month of relaying, made up

Three regions, 40 tenants and 20,000 rooms in October 2026, as a generator with a fixed seed makes them
(\`relay-cost/src/example/month.ts\`): ${thousands(allocations)} allocations. No figure of it was measured; it shows
what reports look like and what they say. The prices are the presets of AWS, with ${podsEach} nodes a region
of ${thousands(capacityMbps)} Mbit/s each.
\`npm run generate\` writes this page, its pictures and [month-focus.csv](month-focus.csv) (by region and day);
\`npm run check\` says where they are not current. A meter knows one region; several in one report, as here, are those of
meters that share a database (\`parley cost report --store mysql://…\`).

## By region

![The report by region, in a terminal](../images/month.svg)

## The tenants that cost most

${table(report(['tenant']), 100, 12)}

## Why calls were relayed, and over what

${table(report(['reason', 'transport']), 100)}

## The first week, day by day, on a phone

![The report by day, forty columns wide](../images/month-phone.svg)

## Advice

${advice(now)}
`,
    'images/month.svg': picture('--by region', report(['region']), 100),
    'images/month-phone.svg': picture(
      '--by day',
      reportBy(now, month, ['day'], month + weekMs),
      40,
    ),
    'examples/month-focus.csv': renderReport(report(['region', 'day']), 'focus'),
  }
}

/** The report of all regions, each by its own prices and nodes. */
function reportBy(
  regions: readonly Known[],
  start: number,
  by: readonly ReportDimension[],
  end = nextMonth(start),
): RelayCostReport {
  const spans = regions.map(({ region, cells }): PricedSums => {
    const preset = exampleRegions.find((each) => each.region === region)?.prices ?? ''
    return {
      ...{ from: start, to: end, prices: presetPrices(preset) },
      sums: sumCells(
        cells.filter(({ hour }) => hour >= start && hour < end),
        by,
        start,
      ),
      nodes: { milliseconds: podsEach * (end - start), capacityMbps },
    }
  })
  return reportOf({ window: { from: start, to: end }, by, spans })
}

/** Advice on the rooms of each region, and on tenants against the month before. */
function advice(now: readonly Known[]): string {
  const earlier = monthOf(before, 2)
  const found = now.flatMap((each) => {
    const preset = exampleRegions.find(({ region }) => region === each.region)?.prices ?? ''
    const prices = presetPrices(preset)
    const rooms = reportBy([each], month, ['tenant', 'room'])
    const alternatives = exampleRegions.map((region) => presetPrices(region.prices))
    return adviseOn({
      report: rooms,
      prices,
      alternatives,
      rooms: each.rooms,
      threshold: { count: 3 },
    })
  })
  const prices = presetPrices(exampleRegions[0]?.prices ?? '')
  const moved = adviseOn({
    report: reportBy(now, month, ['tenant']),
    previous: reportBy(earlier, before, ['tenant']),
    prices,
    threshold: { count: 3 },
  })
  return [...found, ...moved]
    .map(({ text, arithmetic }) => `- ${text}\n  (${arithmetic})`)
    .join('\n')
}

function picture(by: string, report: RelayCostReport, width: number): string {
  return pictureOf(
    `parley cost report ${by}`,
    renderReport(report, 'table', { width, colour: marks }),
  )
}

function table(report: RelayCostReport, width: number, top?: number): string {
  const text = renderReport(report, 'table', { width, ...(top !== undefined && { top }) })
  return `\`\`\`text\n${text}\`\`\``
}

function thousands(count: number): string {
  return count.toLocaleString('en-US')
}
