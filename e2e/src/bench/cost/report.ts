/** `node report.ts ORDER.json`: asks a store of months. Prints a ReportResult. */
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openStore, storeReport } from '@parley/meter'
import { dayMs, presetPrices } from '@parley/relay-cost'
import { start } from './synthetic.ts'

export interface ReportOrder {
  path: string
  /** How long the windows are that are asked for, each from the start. */
  days: number[]
}

export interface ReportResult {
  rooms: number
  reports: {
    days: number
    seconds: number
    /** The same sums over the same rows. */
    sqlSeconds: number
  }[]
  /** The same sums from all the allocations themselves. */
  fromAllocationsSeconds: number
}

const runs = 5

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ReportOrder
const store = await openStore(`sqlite:${order.path}`)
const prices = presetPrices('aws/eu-central-1')
const pricesOf = () => () => ({ prices, until: Number.POSITIVE_INFINITY })
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
const reports: ReportResult['reports'] = []
let rooms = 0
for (const days of order.days) {
  const window = { from: start, to: start + days * dayMs }
  const asOf = window.to + dayMs
  const seconds = await median(async () => {
    const request = { window, by: ['room'] as const, pricesOf, asOf, region: 'eu-central-1' }
    rooms = (await storeReport(store, request)).rows.length
  })
  const sqlSeconds = await median(async () => {
    plain.all(window.from, window.to)
  })
  reports.push({ days, seconds, sqlSeconds })
}
await store.close()
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

const result: ReportResult = { rooms, reports, fromAllocationsSeconds }
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
