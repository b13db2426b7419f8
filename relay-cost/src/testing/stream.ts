import type { StatsdbLine } from '@parley/protocol'
import fc from 'fast-check'
import type { AllocationRecord } from '../allocation.ts'
import type { Transport } from '../statsdb.ts'
import { noTraffic, type Traffic, trafficFields } from '../traffic.ts'

/** What the tests of this package generate: allocations as coturn would publish them, and records. */

export const hour = 3_600_000
export const start = Date.UTC(2026, 10, 20, 22)

/** One delta: packets and bytes of the four legs. */
const counts = fc.tuple(
  ...(Array.from({ length: 8 }, () => fc.nat(2_000_000)) as [fc.Arbitrary<number>]),
)

export type Life = {
  username: string
  realm: string
  id: number
  remotePort: number
  /** ms since {@link start} */
  from: number
  deltas: { after: number; counts: readonly number[] }[]
  /** Does coturn live to say `deleted` and the totals? */
  closes: boolean
}

const username = fc
  .tuple(fc.constantFrom('acme', 'globex'), fc.constantFrom('r1', 'r2', 'r3'), fc.nat(4))
  .map(([tenant, room, participant]) => `4000000000:${tenant}.${room}.p-${participant}`)

export const lives: fc.Arbitrary<Life[]> = fc.uniqueArray(
  fc.record({
    username: fc.oneof({ weight: 6, arbitrary: username }, fc.constant('mallory')),
    realm: fc.constantFrom('pod-a.demo', 'pod-b.demo'),
    id: fc.integer({ min: 1, max: 3 }),
    remotePort: fc.integer({ min: 1024, max: 65535 }),
    from: fc.nat(4 * hour),
    deltas: fc.array(fc.record({ after: fc.integer({ min: 1, max: hour }), counts }), {
      maxLength: 5,
    }),
    closes: fc.boolean(),
  }),
  { maxLength: 8, selector: (life) => `${life.username} ${life.realm} ${life.id}` },
)

/** The messages of an allocation's life, in coturn's order. */
export function publish(life: Life): StatsdbLine[] {
  const base = `turn/realm/${life.realm}/user/${life.username}/allocation/${String(life.id).padStart(18, '0')}/`
  const details = `type=UDP, local=10.0.0.1:3478, remote=10.0.9.9:${life.remotePort}, ssl=NONE, cipher=NONE`
  let t = start + life.from
  const lines: StatsdbLine[] = [
    { t, channel: `${base}status`, message: `new lifetime=600, ${details}` },
  ]
  for (const { after, counts } of life.deltas) {
    t += after
    lines.push(
      { t, channel: `${base}status`, message: `refreshed lifetime=600, ${details}` },
      { t, channel: `${base}traffic`, message: legs(counts.slice(0, 4)) },
      { t, channel: `${base}traffic/peer`, message: legs(counts.slice(4)) },
    )
  }
  if (life.closes) {
    const total = totalCounts(life)
    lines.push(
      { t, channel: `${base}status`, message: 'deleted' },
      { t, channel: `${base}total_traffic`, message: legs(total.slice(0, 4)) },
      { t, channel: `${base}total_traffic/peer`, message: legs(total.slice(4)) },
    )
  }
  return lines
}

function legs([receivedPackets, receivedBytes, sentPackets, sentBytes]: readonly number[]): string {
  return `rcvp=${receivedPackets}, rcvb=${receivedBytes}, sentp=${sentPackets}, sentb=${sentBytes}`
}

/** Sums of a life's deltas, in the order of its counts. */
export function totalCounts(life: Life): number[] {
  const sums = [0, 0, 0, 0, 0, 0, 0, 0]
  for (const { counts } of life.deltas)
    for (const [index, count] of counts.entries()) sums[index] = (sums[index] ?? 0) + count
  return sums
}

const instant = fc.integer({ min: start, max: start + 30 * hour })

const traffic: fc.Arbitrary<Traffic> = fc
  .array(fc.nat(2 ** 40), { minLength: 8, maxLength: 8 })
  .map((values) => {
    const result = noTraffic()
    for (const [index, field] of trafficFields.entries()) result[field] = values[index] ?? 0
    return result
  })

/** Any record, also ones that no coturn would cause. */
export const record: fc.Arbitrary<AllocationRecord> = fc
  .record({
    realm: fc.constantFrom('pod-a.demo', 'pod-b.demo'),
    username: fc.oneof(username, fc.constant('mallory')),
    id: fc.constantFrom('000000000000000001', '000000000000000002'),
    remote: fc.constantFrom('', '10.0.9.9:1', '10.0.9.9:2'),
    transport: fc.constantFrom<Transport | ''>('', 'udp', 'tcp'),
    openedAt: instant,
    lastSeenAt: instant,
    aliveAt: instant,
    expiresAt: instant,
    closedAt: fc.oneof(fc.constant(0), instant),
    recovered: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
    hours: fc
      .array(fc.tuple(fc.nat(5), traffic), { maxLength: 4 })
      .map((marks) => new Map(marks.map(([index, each]) => [start + index * hour, each]))),
  })
  .map(({ recovered, ...made }) => ({ ...made, ...(recovered && { recoveredBytes: recovered }) }))
