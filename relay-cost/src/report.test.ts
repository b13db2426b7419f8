import { describe, expect, it } from '@jest/globals'
import {
  type Measures,
  type ReportDimension,
  relayCostReportSchema,
  reportDimensions,
} from '@parley/protocol'
import fc from 'fast-check'
import type { AllocationRecord } from './allocation.ts'
import { presetPrices } from './prices/presets.ts'
import type { Prices, Tier } from './prices/prices.ts'
import { buildReport, type ReportRequest } from './testing/build-report.ts'
import { jsonLines, replayed, replayedReport } from './testing/replayed.ts'
import { hour, lives, publish, record, start } from './testing/stream.ts'
import { noTraffic } from './traffic.ts'

const preset = presetPrices('aws/eu-central-1')

const anyPrices: fc.Arbitrary<Prices> = fc
  .record({
    free: fc.integer({ min: 1, max: 50 }),
    perGB: fc.integer({ min: 0, max: 300 }),
    meter: fc.constantFrom('egress', 'to-client', 'sent-and-received'),
    prior: fc.nat(80),
    perHour: fc.nat(100),
  })
  .map(({ free, perGB, meter, prior, perHour }) => {
    const tiers: Tier[] = [
      { upToGB: free, perGB: 0 },
      { upToGB: Number.POSITIVE_INFINITY, perGB: perGB / 1000 },
    ]
    return {
      ...preset,
      meter,
      nodes: { ...preset.nodes, perHour: perHour / 100, publicIPv4PerHour: 0.005 },
      egress: { ...preset.egress, internet: { priorUsageGB: prior, tiers } },
    }
  })

const anyBy = fc.subarray<ReportDimension>([...reportDimensions])
const anyNodes = fc.option(
  fc.record({ nodeHours: fc.nat(1000), capacityMbps: fc.integer({ min: 1, max: 1000 }) }),
)

/** Every figure of M as a whole number: money in millionths. */
function figures(m: Measures): number[] {
  const { allocations, relayedSeconds, bytes, cost, unattributedBytes } = m
  return [
    ...[allocations, relayedSeconds, unattributedBytes],
    ...Object.values(bytes),
    ...Object.values(cost).map((money) => Math.round(money * 1e6)),
  ]
}

describe('the report', () => {
  it('REQ-K5: rows sum to the totals exactly, whatever the prices, the records and the dimensions', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 12 }),
        anyPrices,
        anyBy,
        anyNodes,
        fc.nat(20),
        fc.integer({ min: 1, max: 40 }),
        (allocations, prices, by, nodes, from, hours) => {
          const window = { from: start + from * hour, to: start + (from + hours) * hour }
          const report = buildReport({
            ...{ allocations, window, prices, by },
            ...(nodes ? { nodes } : {}),
          })
          relayCostReportSchema.parse(report)
          const sums = figures(report.totals).map(() => 0)
          for (const row of report.rows)
            for (const [index, figure] of figures(row).entries())
              sums[index] = (sums[index] ?? 0) + figure
          expect(sums).toEqual(figures(report.totals))
        },
      ),
    )
  })

  it('REQ-K5: the totals do not depend on what it is reported by', () => {
    fc.assert(
      fc.property(lives, anyPrices, anyBy, (all, prices, by) => {
        const replay = replayed(jsonLines(all))
        expect(replayedReport(replay, { prices, by }).totals).toEqual(
          replayedReport(replay, { prices, by: [] }).totals,
        )
      }),
    )
  })

  it('REQ-K5: windows that follow one another share no byte and lose none', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 8 }),
        fc.integer({ min: 1, max: 39 }),
        (allocations, cut) => {
          const bytesOf = (from: number, to: number) => {
            const window = { from: start + from * hour, to: start + to * hour }
            const { bytes } = buildReport({ allocations, window, prices: preset }).totals
            return [bytes.clientToTurn, bytes.turnToClient, bytes.turnToPeer, bytes.peerToTurn]
          }
          const early = bytesOf(0, cut)
          const late = bytesOf(cut, 40)
          expect(bytesOf(0, 40)).toEqual(early.map((bytes, index) => bytes + (late[index] ?? 0)))
        },
      ),
    )
  })

  const allocations: AllocationRecord[] = [
    {
      ...{ realm: 'pod-a.demo', id: '1', remote: 'c:1', transport: 'udp' },
      username: '4000000000:acme.r1.p-1',
      openedAt: start + 30 * 60_000,
      lastSeenAt: start + 90 * 60_000,
      aliveAt: start + 80 * 60_000,
      expiresAt: start + 90 * 60_000,
      closedAt: start + 90 * 60_000,
      hours: new Map([
        [start, { ...noTraffic(), turnToClientBytes: 1e9 }],
        [start + hour, { ...noTraffic(), turnToClientBytes: 3e9 }],
      ]),
    },
  ]
  const one = (over: Partial<ReportRequest> = {}) =>
    buildReport({
      allocations,
      window: { from: start, to: start + 4 * hour },
      prices: preset,
      region: 'eu-central-1',
      ...over,
    })

  it('REQ-K5: a window that touches an hour counts that hour, and says so', () => {
    const from = start + 65 * 60_000
    const report = one({ window: { from, to: from + 60_000 } })
    expect(report.totals).toMatchObject({ relayedSeconds: 1800, allocations: 1 })
    expect(report.totals.bytes.turnToClient).toBe(2e9)
    expect(report.notes[0]).toBe(
      'Counted in whole UTC hours: 2026-11-20T23:00Z to 2026-11-21T00:00Z.',
    )
  })

  it('REQ-K5: by day, region and transport', () => {
    const [row] = one({ by: ['day', 'region', 'transport', 'reason'] }).rows
    expect(row?.key).toEqual({
      day: '2026-11-20',
      region: 'eu-central-1',
      transport: 'udp',
      reason: 'unknown',
    })
  })

  it('REQ-K5: an allocation over midnight is counted once, on the day it began; its bytes when they came', () => {
    const [usual] = allocations
    if (!usual) throw new Error('no record')
    const long = {
      ...usual,
      closedAt: start + 3 * hour,
      lastSeenAt: start + 3 * hour,
      hours: new Map([
        ...usual.hours,
        [start + 2 * hour, { ...noTraffic(), turnToClientBytes: 4e9 }],
      ]),
    }
    const { rows, totals } = one({ allocations: [long], by: ['day'] })
    expect(
      rows.map(({ key, allocations, relayedSeconds, bytes }) => [
        key.day,
        ...[allocations, relayedSeconds, bytes.turnToClient],
      ]),
    ).toEqual([
      ['2026-11-20', 1, 5400, 3e9],
      ['2026-11-21', 0, 3600, 1e9],
    ])
    expect(totals.allocations).toBe(1)
  })

  it('REQ-K5: only allocations of a room that overlap in time can be each other’s peers', () => {
    const peers = { turnToPeerBytes: 1e9, turnToPeerPackets: 1e6, peerToTurnBytes: 1e9 }
    const relayed = (participant: string, from: number): AllocationRecord => ({
      ...{ realm: 'pod-a.demo', id: participant, remote: 'c:1', transport: 'udp' },
      username: `4000000000:acme.r1.${participant}`,
      openedAt: start + from,
      ...{ lastSeenAt: start + from + 1000, aliveAt: start + from, expiresAt: start + from + 1000 },
      closedAt: start + from + 1000,
      hours: new Map([[start, { ...noTraffic(), ...peers }]]),
    })
    const billable = (gap: number) =>
      one({ allocations: [relayed('a', 0), relayed('b', gap)] }).totals.bytes.billable
    expect(billable(500)).toBe(0)
    expect(billable(5000)).toBe(2 * (1e9 + 28e6))
  })

  it('REQ-K5: idle node cost stands by itself, the used part with those who used it', () => {
    // 3 GB sent in 2 node hours of 4 Mbit/s: 3 of 3.6 GB are used.
    const report = one({ nodes: { nodeHours: 2, capacityMbps: 4 } })
    const nodes = 2 * (preset.nodes.perHour + preset.nodes.publicIPv4PerHour)
    expect(report.rows.map(({ key }) => key.room)).toEqual(['r1', '(idle)'])
    expect(report.totals.cost.nodes).toBeCloseTo((nodes * 3) / 3.6, 6)
    expect(report.rows[1]?.cost).toEqual({
      ...{ egress: 0, nodes: 0 },
      idle: report.totals.cost.idle,
      total: report.totals.cost.idle,
    })
    expect(report.totals.cost.nodes + report.totals.cost.idle).toBeCloseTo(nodes, 6)
  })

  it('REQ-K5: traffic under a username that Parley did not mint is shown, not spread', () => {
    const lines = publish({
      ...{ username: 'mallory', realm: 'pod-a.demo', id: 1, remotePort: 5, from: 0, closes: true },
      deltas: [{ after: 5, counts: [1, 100, 1, 200, 1, 300, 1, 400] }],
    })
    const replay = replayed(lines.map((line) => JSON.stringify(line)))
    const report = replayedReport(replay, { prices: preset, by: ['tenant', 'room'] })
    expect(report.rows[0]?.key).toEqual({ tenant: '(unattributed)', room: '(unattributed)' })
    expect(report.totals.unattributedBytes).toBe(1000)
  })

  it('refuses sums past 2^53 instead of rounding them', () => {
    const huge = (id: string) => ({
      ...{ realm: 'pod-a.demo', id, remote: 'c:1', transport: 'udp' as const },
      username: '4000000000:acme.r1.p-1',
      ...{ openedAt: start, lastSeenAt: start, aliveAt: start, expiresAt: start, closedAt: start },
      hours: new Map([[start, { ...noTraffic(), turnToClientBytes: 2 ** 52 + 1 }]]),
    })
    expect(() => one({ allocations: [huge('1'), huge('2')] })).toThrow(
      expect.objectContaining({ code: 'COUNTER_OVERFLOW' }),
    )
  })
})
