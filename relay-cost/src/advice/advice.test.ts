import { describe, expect, it } from '@jest/globals'
import {
  adviceSchema,
  type LinkRecord,
  type Measures,
  type RelayCostReport,
  type ReportRow,
  relayCostReportSchema,
} from '@parley/protocol'
import fc from 'fast-check'
import { loadPrices } from '../prices/file.ts'
import { presetPrices } from '../prices/presets.ts'
import { renderReport } from '../render/index.ts'
import type { PricedSums } from '../span.ts'
import { noSums } from '../sums.ts'
import type { CellSums } from '../usage.ts'
import { adviseOn } from './advice.ts'
import { meshUse } from './room-use.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 10, 2)
const window = { from: start, to: start + 24 * hour }

type RowOf = { key: ReportRow['key']; egress: number; gigabytes?: number; seconds?: number }

function row({ key, egress, gigabytes = egress * 10, seconds = 0 }: RowOf): ReportRow {
  const bytes = { clientToTurn: 0, turnToClient: 0, turnToPeer: 0, peerToTurn: 0 }
  return {
    ...{ key, allocations: 1, relayedSeconds: seconds, unattributedBytes: 0 },
    bytes: {
      ...bytes,
      turnToClient: Math.round(gigabytes * 1e9),
      billable: Math.round(gigabytes * 1e9),
    },
    cost: { egress, nodes: 0, idle: 0, total: egress },
  }
}

function reportOf(rows: RowOf[]): RelayCostReport {
  const all = rows.map(row)
  const total = (of: (measures: Measures) => number) => all.reduce((sum, each) => sum + of(each), 0)
  const empty = row({ key: {}, egress: 0 })
  const { key: _, ...totals } = {
    ...empty,
    bytes: { ...empty.bytes, billable: total(({ bytes }) => bytes.billable) },
    cost: {
      ...empty.cost,
      egress: total(({ cost }) => cost.egress),
      total: total((m) => m.cost.total),
    },
  }
  return relayCostReportSchema.parse({
    window: { from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString() },
    ...{
      currency: 'USD',
      prices: { name: 'mine', asOf: '2026-11-01' },
      totals,
      rows: all,
      notes: [],
    },
  })
}

const prices = loadPrices(
  '{name: mine, currency: USD, asOf: 2026-11-01, gigabyte: 1e9, meter: aws, egress: {internet: {tiers: [{perGB: 0.1}]}, crossZone: {perGB: 0.01}, interRegion: {perGB: 0.02}}}',
)

const sumsOf = (region: string, of: Partial<CellSums>): CellSums => ({
  ...{ ...noSums(), transport: '' as const },
  ...{ ...of, region },
})

const used = (...sums: CellSums[]): PricedSums => ({ ...window, prices, sums })

describe('advice', () => {
  it('REQ-K8: a mesh whose relaying costs more than the SFU would', () => {
    // A relayed hour of 1000 kbit/s is 0.45 GB. Of 100 stream hours, 90 cost egress: 9 x 0.45 x 10.
    const key = { tenant: 'acme', room: 'big' }
    const report = reportOf([{ key, egress: 4.05, gigabytes: 40.5, seconds: 90 * 3600 }])
    const rooms = [{ tenant: 'acme', room: 'big', streamSeconds: 100 * 3600 }]
    // The SFU sends 490 kbit/s at most: 100 h are 22.05 GB, at 0.10 a GB 2.205.
    expect(adviseOn({ report, prices, rooms })).toEqual([
      {
        kind: 'mesh-to-sfu',
        subject: 'acme/big',
        saves: 1.845,
        text: 'acme/big would cost 1.8450 USD less on the SFU: lower mesh.maxParticipants',
        arithmetic:
          'mesh 4.0500 USD; SFU 100.0 h of streams × 490 kbit/s (mesh: 1000) = 22.1 GB × 0.1000 USD/GB = 2.2050 USD',
      },
    ])
  })

  it('REQ-K8: a mesh that is mostly direct is left alone, and one that costs next to nothing', () => {
    const key = { tenant: 'acme', room: 'big' }
    const rooms = [{ tenant: 'acme', room: 'big', streamSeconds: 1000 * 3600 }]
    const direct = reportOf([{ key, egress: 4.05, gigabytes: 40.5, seconds: 90 * 3600 }])
    expect(adviseOn({ report: direct, prices, rooms })).toEqual([])
    const cheap = reportOf([{ key, egress: 0.9, gigabytes: 9, seconds: 20 * 3600 }])
    const few = [{ tenant: 'acme', room: 'big', streamSeconds: 3600 }]
    expect(adviseOn({ report: cheap, prices, rooms: few })).toEqual([])
  })

  it('REQ-K5: a region that a list of the same continent prices lower', () => {
    const report = reportOf([])
    const usage = [
      used(
        sumsOf('eu-central-1', { turnToClientBytes: 1000e9 }),
        sumsOf('', { turnToClientBytes: 50e9 }),
      ),
    ]
    const list = (name: string, perGB: number, more = {}) => ({
      ...prices,
      ...{
        name,
        egress: {
          ...prices.egress,
          internet: { priorUsageGB: 0, tiers: [{ upToGB: Number.POSITIVE_INFINITY, perGB }] },
        },
      },
      ...more,
    })
    const alternatives = [
      list('aws/eu-north-1', 0.08),
      list('aws/eu-west-1', 0.095),
      list('aws/us-east-1', 0.01),
      list('gcp/eu-mine-1', 0.01, { meter: 'gcp' }),
      list('aws/eu-dear-1', 0.01, { currency: 'EUR' }),
    ]
    expect(adviseOn({ report, prices, alternatives, usage })).toEqual([
      {
        kind: 'cheaper-region',
        subject: 'eu-central-1',
        saves: 20,
        text: 'TURN of eu-central-1 would cost 20.0000 USD less at aws/eu-north-1; look at the delay first',
        arithmetic: '1.00 TB billable: 100.00 USD now, 80.0000 USD by the prices of aws/eu-north-1',
      },
    ])
  })

  it('REQ-K5: a region that costs the same elsewhere is left where it is, all its quantities and months counted', () => {
    const tiers = [
      { upToGB: 1000, perGB: 0.1 },
      { upToGB: Number.POSITIVE_INFINITY, perGB: 0.01 },
    ]
    const own = {
      ...prices,
      egress: { ...prices.egress, internet: { priorUsageGB: 0, tiers } },
    }
    const there = { ...own, name: 'aws/eu-north-1' }
    const month = (index: number) => ({
      from: Date.UTC(2026, index),
      to: Date.UTC(2026, index + 1),
    })
    const relayed = sumsOf('eu-central-1', {
      ...{ turnToClientBytes: 1000e9, turnToPeerBytes: 600e9 },
      ...{ insideBytes: 100e9, crossZoneBytes: 200e9, interRegionBytes: 300e9 },
    })
    const usage = [8, 9].map((index) => ({ ...month(index), prices: own, sums: [relayed] }))
    const report = reportOf([{ key: { region: 'eu-central-1' }, egress: 220, gigabytes: 2000 }])
    expect(adviseOn({ report, prices: own, alternatives: [there], usage })).toEqual([])
    const egress = { ...there.egress, crossZone: { perGB: 0 }, interRegion: { perGB: 0 } }
    const advise = (more: object) =>
      adviseOn({ ...{ report, prices: own, usage }, ...more }).map(
        ({ arithmetic }) => arithmetic,
      )[0]
    // Each month 1 TB at 0.1, 200 GB twice at 0.01 and 300 GB at 0.02.
    const alternatives = [{ ...there, egress }]
    expect(advise({ alternatives, threshold: { share: 0.01 } })).toBe(
      '2.00 TB billable and 1.00 TB between zones and regions: 220.00 USD now, 200.00 USD by the prices of aws/eu-north-1',
    )
    // What the first month had before goes through its tiers first.
    const earlier = [{ ...month(8), prices: own, sums: [relayed] }]
    expect(advise({ alternatives, earlier, threshold: { share: 0.01 } })).toMatch(
      /: 130\.00 USD now, 110\.00 USD by/,
    )
  })

  it('REQ-K5: TURN that is far from the pods it sends to', () => {
    const report = reportOf([{ key: { region: 'eu-central-1' }, egress: 50 }])
    // A region has a row for each transport, and one for each meter.
    const usage = [
      used(
        sumsOf('eu-central-1', { crossZoneBytes: 30e9, interRegionBytes: 200e9, transport: 'udp' }),
        sumsOf('eu-central-1', { crossZoneInBytes: 70e9, transport: 'tcp' }),
        sumsOf('eu-west-1', { crossZoneBytes: 1e9 }),
      ),
      used(sumsOf('eu-central-1', { interRegionInBytes: 100e9, transport: 'udp' })),
    ]
    expect(adviseOn({ report, prices, usage })).toEqual([
      {
        kind: 'nearer-turn',
        subject: 'eu-central-1',
        saves: 8,
        text: 'TURN of eu-central-1 sends to pods of ours elsewhere for 8.0000 USD: run TURN where they are',
        arithmetic:
          '100 GB between zones × 0.01 × 2, out and in = 2.0000 USD; 300 GB between regions × 0.02 = 6.0000 USD',
      },
    ])
  })

  it('REQ-K5: tenants that moved most against the period before, up and down', () => {
    const tenants = (...costs: [string, number][]) =>
      reportOf(costs.map(([tenant, egress]) => ({ key: { tenant }, egress })))
    const report = tenants(['acme', 30], ['calm', 101], ['new', 2], ['tiny', 0.2])
    const previous = tenants(['acme', 10], ['calm', 100], ['gone', 5], ['tiny', 0.1])
    expect(
      adviseOn({ report, previous, prices }).map(({ subject, arithmetic }) => [
        subject,
        arithmetic,
      ]),
    ).toEqual([
      ['acme', '30.0000 USD now − 10.0000 USD before = +20.0000 USD (+200 %)'],
      ['gone', '0.00 USD now − 5.0000 USD before = −5.0000 USD (−100 %)'],
      ['new', '2.0000 USD now − 0.00 USD before = +2.0000 USD'],
    ])
    expect(adviseOn({ report, prices })).toEqual([])
    expect(adviseOn({ report, previous: { ...previous, currency: 'EUR' }, prices })).toEqual([])
  })

  it('nothing is said below the threshold, and no more than the greatest of a kind', () => {
    const cost = fc.nat(10_000).map((cents) => cents / 100)
    fc.assert(
      fc.property(fc.array(fc.tuple(cost, cost), { maxLength: 30 }), (tenants) => {
        const of = (index: 0 | 1) =>
          reportOf(tenants.map((costs, i) => ({ key: { tenant: `t${i}` }, egress: costs[index] })))
        const threshold = { amount: 5, share: 0.2, count: 3 }
        const advice = adviseOn({ report: of(0), previous: of(1), prices, threshold })
        expect(advice.length).toBeLessThanOrEqual(3)
        for (const each of advice) {
          adviceSchema.parse(each)
          const [now = 0, before = 0] = tenants[Number(each.subject.slice(1))] ?? []
          expect(Math.abs(now - before)).toBeGreaterThanOrEqual(Math.max(5, before * 0.2) - 1e-9)
        }
      }),
    )
  })

  it('stands below the report, with its arithmetic, within 80 columns', () => {
    const report = reportOf([{ key: { region: 'eu-central-1' }, egress: 50 }])
    const bytes = { crossZoneBytes: 100e9, interRegionBytes: 300e9 }
    const advice = adviseOn({ report, prices, usage: [used(sumsOf('eu-central-1', bytes))] })
    const table = renderReport({ ...report, advice }, 'table', { width: 80 })
    expect(table).toMatch(/Advice\n↓ TURN of eu-central-1 sends/)
    expect(table).toContain('    100 GB between zones')
    for (const line of table.split('\n')) expect([...line].length).toBeLessThanOrEqual(80)
    expect(renderReport({ ...report, advice: [] }, 'table')).not.toContain('Advice')
  })

  it('a price list that only knows TURN says nothing of an SFU', () => {
    const key = { tenant: 'acme', room: 'big' }
    const report = reportOf([{ key, egress: 40, gigabytes: 400, seconds: 3600 }])
    const rooms = [{ tenant: 'acme', room: 'big', streamSeconds: 1 }]
    const managed = presetPrices('cloudflare/global')
    expect(adviseOn({ report, prices: managed, rooms })).toEqual([])
  })
})

describe('how much a mesh was used', () => {
  const link = (
    participant: string,
    peer: string | null,
    from: number,
    to: number,
    { room = 'r', ended = true } = {},
  ) =>
    ({
      ...{
        tenant: 'acme',
        room,
        participant,
        startedAt: start + from * hour,
        at: start + to * hour,
      },
      report: {
        ...{ link: 0, peer, policy: 'all', errors: [], mappingVaries: false, failedPairs: 0 },
        ...{ gathered: { host: true, srflx: true, relay: true }, ended },
        ...{ answered: { udp: true, tcp: false, tls: false } },
        selected: { local: 'host', remote: 'host' },
      },
    }) as LinkRecord

  it('counts each pair once for each direction, whoever reported it', () => {
    const records = [
      link('ann', 'ben', 0, 2),
      link('ben', 'ann', 0, 2),
      link('ann', 'cat', 1, 2),
      link('ann', 'ben', 3, 4),
    ]
    expect(meshUse(records, window)).toEqual([
      { tenant: 'acme', room: 'r', streamSeconds: 2 * 4 * 3600 },
    ])
    expect(meshUse(records, { from: start + hour, to: start + 2 * hour })[0]?.streamSeconds).toBe(
      2 * 2 * 3600,
    )
  })

  it('leaves out rooms that used the SFU, and links that never carried anything', () => {
    const { selected: _, ...report } = link('a', 'b', 0, 1).report
    const moved = { room: 'moved' }
    const records = [
      ...[link('ann', 'ben', 0, 1, moved), link('ann', null, 1, 2, moved)],
      { ...link('ann', 'ben', 0, 1, { room: 'failed' }), report },
    ]
    expect(meshUse(records, window)).toEqual([])
  })

  it('REQ-K8: leaves out rooms with a link whose end no page told: the last report is not its end', () => {
    const open = { ended: false }
    expect(meshUse([link('ann', 'ben', 0, 0.1, open)], window)).toEqual([])
    expect(meshUse([link('ann', 'ben', -2, -1, open)], window)).toEqual([])
    const other = link('ann', 'cat', 0, 2)
    expect(meshUse([other, link('ann', 'ben', 0, 0.1, open)], window)).toEqual([])
    const onSfu = [other, link('ann', null, -2, -1, open)]
    expect(meshUse(onSfu, window)).toEqual([])
  })

  it('REQ-K8: a link that one end left without a word has the end that the other one told', () => {
    const open = { ended: false }
    const told = [link('ann', 'ben', 0, 2), link('ben', 'ann', 0, 0.1, open)]
    const twoHours = [{ tenant: 'acme', room: 'r', streamSeconds: 2 * 2 * 3600 }]
    expect(meshUse(told, window)).toEqual(twoHours)
    // The end of an earlier link is not that of a later one.
    expect(meshUse([...told, link('ben', 'ann', 3, 3.1, open)], window)).toEqual([])
    // A report from after the window says enough.
    expect(
      meshUse([link('ann', 'ben', 0, 5, open)], { from: start, to: start + 2 * hour }),
    ).toEqual(twoHours)
  })
})
