/** `node report.ts ORDER.json`: fills a store with a month, and asks it. Prints a ReportResult. */
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openStore, storeReport } from '@parley/meter'
import { Usage } from '@parley/meter/usage'
import { presetPrices } from '@parley/relay-cost'
import { allocationOf, start } from './synthetic.ts'

export interface ReportOrder {
  path: string
  allocations: number
}

export interface ReportResult {
  rooms: number
  fillSeconds: number
  rollUpSeconds: number
  reportSeconds: number
  /** The same sums over the same rows. */
  sqlSeconds: number
  /** The same sums from the allocations themselves. */
  fromAllocationsSeconds: number
}

const days = 30
const batch = 5000
const runs = 5

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ReportOrder
const store = await openStore(`sqlite:${order.path}`)
const region = 'eu-central-1'
const usage = new Usage(store, async () => ({ region }))
const window = { from: start, to: start + days * 86_400_000 }
const now = window.to + 86_400_000

let fillSeconds = 0
let rollUpSeconds = 0
for (let first = 0; first < order.allocations; first += batch) {
  const size = Math.min(batch, order.allocations - first)
  const records = Array.from({ length: size }, (_, at) =>
    allocationOf(first + at, order.allocations, days),
  )
  fillSeconds += await timed(() => store.merge(records))
  // As time goes by: what is over is rolled up.
  rollUpSeconds += await timed(() => usage.rollUp(records.at(-1)?.openedAt ?? start))
}
rollUpSeconds += await timed(() => usage.rollUp(now))

const prices = presetPrices('aws/eu-central-1')
const pricesOf = () => () => ({ prices, until: Number.POSITIVE_INFINITY })
let rooms = 0
const reportSeconds = await median(async () => {
  const report = await storeReport(store, { window, by: ['room'], pricesOf, asOf: now, region })
  rooms = report.rows.length
})
await store.close()

const db = new DatabaseSync(order.path, { readOnly: true })
const sums = [
  ...['milliseconds', 'user_milliseconds', 'inside_bytes', 'inside_packets', 'bound_bytes'],
  ...[
    'client_to_turn_bytes',
    'client_to_turn_packets',
    'turn_to_client_bytes',
    'turn_to_client_packets',
  ],
  ...['peer_to_turn_bytes', 'peer_to_turn_packets', 'turn_to_peer_bytes', 'turn_to_peer_packets'],
  ...['unattributed_bytes', 'recovered_bytes'],
]
const plain = db.prepare(`
  SELECT room, transport, sum(allocations), ${sums.map((column) => `sum(${column}) AS ${column}`).join(', ')}
  FROM usage_days WHERE hour >= ? AND hour < ? GROUP BY room, transport`)
const sqlSeconds = await median(async () => {
  plain.all(window.from, window.to)
})
const counters = sums.filter((column) => /_to_/.test(column))
const straight = db.prepare(`
  SELECT room, transport, count(*), ${counters.map((column) => `sum(${column}) AS ${column}`).join(', ')}
  FROM allocations JOIN (
    SELECT allocation, ${counters.map((column) => `max(${column}) AS ${column}`).join(', ')}
    FROM allocation_hours GROUP BY allocation
  ) ON key = allocation GROUP BY room, transport`)
const fromAllocationsSeconds = await timed(async () => {
  straight.all()
})
db.close()

const result: ReportResult = {
  ...{ rooms, fillSeconds, rollUpSeconds, reportSeconds, sqlSeconds, fromAllocationsSeconds },
}
process.stdout.write(JSON.stringify(result))

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

/** The median of a few runs. */
async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < runs; run += 1) times.push(await timed(work))
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)] ?? 0
}
