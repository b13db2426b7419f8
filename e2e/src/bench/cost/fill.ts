/** `node fill.ts ORDER.json`: fills a store with months of allocations. Prints a FillResult. */
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openStore } from '@parley/meter'
import { Usage } from '@parley/meter/usage'
import { dayMs } from '@parley/relay-cost'
import { allocationOf, start } from './synthetic.ts'

export interface FillOrder {
  path: string
  /** Of a month. */
  allocations: number
  /** The first is written and rolled up as a meter does it, the others are copies of its rows. */
  months: number
}

export interface FillResult {
  /** Written one by one; without those that were copied. */
  allocations: number
  fillSeconds: number
  rollUpSeconds: number
}

/** A month has thirty busy days, and one for what goes on over midnight. */
const busyDays = 30
const monthDays = 31
const batch = 5000

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as FillOrder
const store = await openStore(`sqlite:${order.path}`)
const usage = new Usage(store, async () => ({ region: 'eu-central-1' }))

let fillSeconds = 0
let rollUpSeconds = 0
for (let first = 0; first < order.allocations; first += batch) {
  const size = Math.min(batch, order.allocations - first)
  const records = Array.from({ length: size }, (_, at) =>
    allocationOf(first + at, order.allocations, busyDays),
  )
  fillSeconds += await timed(() => store.merge(records))
  // As time goes by: what is over is rolled up.
  rollUpSeconds += await timed(() => usage.rollUp(records.at(-1)?.openedAt ?? start))
}
rollUpSeconds += await timed(() => usage.rollUp(start + monthDays * dayMs))
await store.close()
const db = new DatabaseSync(order.path)
for (let month = 1; month < order.months; month += 1) copyMonth(month)
db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
db.close()

const result: FillResult = { allocations: order.allocations, fillSeconds, rollUpSeconds }
process.stdout.write(JSON.stringify(result))

/** The rows of the first month once more, so many months later. */
function copyMonth(month: number): void {
  const later = month * monthDays * dayMs
  const shifted: Record<string, Record<string, string>> = {
    allocations: {
      key: `key + ${month * order.allocations}`,
      allocation_id: `'${month}-' || allocation_id`,
      ...Object.fromEntries(
        ['opened_at', 'last_seen_at', 'alive_at', 'expires_at', 'closed_at'].map((column) => [
          column,
          `${column} + ${later}`,
        ]),
      ),
    },
    allocation_hours: {
      allocation: `allocation + ${month * order.allocations}`,
      hour: `hour + ${later}`,
    },
    ...Object.fromEntries(
      ['usage_hours', 'usage_days', 'rolled_hours', 'rolled_days'].map((table) => [
        table,
        { hour: `hour + ${later}` },
      ]),
    ),
  }
  db.exec('BEGIN')
  for (const [table, shifts] of Object.entries(shifted)) {
    const columns = db
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => String(name))
    const first =
      table === 'allocations'
        ? `key <= ${order.allocations}`
        : table === 'allocation_hours'
          ? `allocation <= ${order.allocations}`
          : `hour < ${start + monthDays * dayMs}`
    db.exec(
      `INSERT INTO ${table} (${columns.join(', ')})
       SELECT ${columns.map((column) => shifts[column] ?? column).join(', ')} FROM ${table} WHERE ${first}`,
    )
  }
  db.exec('COMMIT')
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}
