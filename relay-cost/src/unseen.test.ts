import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { presetPrices } from './prices/presets.ts'
import { buildReport } from './testing/build-report.ts'
import { jsonLines, replayed } from './testing/replayed.ts'
import { hour, type Life, lives, start, totalCounts } from './testing/stream.ts'
import { type NodeCounters, reconcileNodes, unseenCells } from './unseen.ts'

const realm = 'pod-a.demo'
const sample = (at: number, sentBytes: number, receivedBytes: number): NodeCounters => ({
  ...{ realm, source: 'coturn', at, sentBytes, receivedBytes },
})
const life: Life = {
  ...{ username: '4000000000:acme.r1.p-1', realm, id: 1, remotePort: 5, from: 60_000 },
  closes: true,
  deltas: [{ after: 60_000, counts: [10, 1000, 20, 2000, 30, 3000, 40, 4000] }],
}
const allocationsOf = (...all: Life[]) => replayed(jsonLines(all)).allocations
const [before, after] = [start, start + 2 * hour]

describe('what only nodes counted', () => {
  it('REQ-K5: counters that agree with the allocations leave nothing', () => {
    const samples = [sample(before, 500, 700), sample(after, 500 + 6000, 700 + 4000)]
    expect(reconcileNodes(samples, allocationsOf(life))).toEqual([
      {
        ...{ realm, source: 'coturn', from: before, to: after },
        ...{ sentBytes: 6000, receivedBytes: 4000, unseenSentBytes: 0, unseenReceivedBytes: 0 },
      },
    ])
  })

  it('REQ-K5: whatever allocations the meter missed is what stays unseen, and none of it is spread', () => {
    const closed = lives.map((all) => all.map((each) => ({ ...each, realm, closes: true })))
    const apart = (all: Life[]) => all.map((each, index) => ({ ...each, id: index + 1 }))
    fc.assert(
      fc.property(closed.map(apart), fc.nat(8), (all, kept) => {
        const sent = (some: Life[]) =>
          some.map(totalCounts).reduce((sum, of) => sum + (of[3] ?? 0) + (of[7] ?? 0), 0)
        const end = start + 20 * hour
        const samples = [sample(start - hour, 0, 0), sample(end, sent(all), 0)]
        const seen = all.slice(0, kept)
        const [unseen] = reconcileNodes(samples, allocationsOf(...seen))
        expect(unseen?.unseenSentBytes).toBe(sent(all) - sent(seen))
        const report = buildReport({
          allocations: allocationsOf(...seen),
          window: { from: start - hour, to: end },
          prices: presetPrices('aws/eu-central-1'),
          unseen: unseenCells(unseen ? [unseen] : [], { region: 'eu' }),
        })
        const minted = report.rows.filter(({ key }) => key.room !== '(unattributed)')
        expect(minted.reduce((sum, row) => sum + row.unattributedBytes, 0)).toBe(0)
        const named = seen.filter(({ username }) => username !== 'mallory')
        const bytes = (some: Life[]) =>
          some
            .map(totalCounts)
            .reduce((sum, of) => sum + [1, 3, 5, 7].reduce((all, at) => all + (of[at] ?? 0), 0), 0)
        expect(report.totals.unattributedBytes).toBe(
          sent(all) - sent(seen) + bytes(seen) - bytes(named),
        )
      }),
    )
  })

  it('REQ-K5: a counter that begins anew, as after a restart, loses nothing', () => {
    const samples = [sample(before, 5000, 0), sample(before + 1, 9000, 0), sample(after, 2000, 0)]
    expect(reconcileNodes(samples, [])).toMatchObject([{ sentBytes: 6000, unseenSentBytes: 6000 }])
  })

  it('REQ-K5: interfaces count headers, and are believed within half a percent', () => {
    const wire = { sent: 6000 + 60 * 28, received: 4000 + 40 * 28 }
    const gap = (more: number) =>
      reconcileNodes(
        [sample(before, 0, 0), sample(after, wire.sent + more, wire.received)].map((each) => ({
          ...each,
          source: 'interface' as const,
        })),
        allocationsOf(life),
      )[0]?.unseenSentBytes
    expect(gap(0)).toBe(0)
    expect(gap(30)).toBe(0)
    expect(gap(300)).toBe(300)
  })

  it('REQ-K5: says nothing of a realm whose allocations are open, or of one sample', () => {
    const open = allocationsOf({ ...life, closes: false })
    const samples = [sample(before, 0, 0), sample(before + 3 * 60_000, 9999, 9999)]
    expect(reconcileNodes(samples, open)).toMatchObject([{ pending: 'open allocations' }])
    expect(reconcileNodes(samples.slice(1), open)).toMatchObject([{ pending: 'one sample' }])
  })

  it('REQ-K5: the report names the bytes, charges what was sent and puts them in no leg', () => {
    const unseen = unseenCells(
      reconcileNodes([sample(before, 0, 0), sample(after, 1e9 + 6000, 4000)], allocationsOf(life)),
      { region: 'eu' },
    )
    const report = buildReport({
      allocations: allocationsOf(life),
      window: { from: before, to: after },
      prices: presetPrices('aws/eu-central-1'),
      unseen,
    })
    expect(report.rows[0]).toMatchObject({
      key: { room: '(unattributed)' },
      bytes: { turnToClient: 0, turnToPeer: 0, billable: 1e9 },
      unattributedBytes: 1e9,
    })
    expect(report.notes.join('\n')).toContain(
      '1.00 GB sent and 0 B received that the nodes counted',
    )
  })
})
