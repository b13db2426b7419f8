import { describe, expect, it } from '@jest/globals'
import { reportDimensions } from '@parley/protocol'
import fc from 'fast-check'
import { totalOf } from './allocation.ts'
import { presetPrices } from './prices/presets.ts'
import type { Prices } from './prices/prices.ts'
import { readRecorded } from './replay.ts'
import { ReplayStream } from './replay-stream.ts'
import { inOrder, jsonLines, replayed, replayedReport } from './testing/replayed.ts'
import { hour, lives, totalCounts } from './testing/stream.ts'

const prices = presetPrices('aws/eu-central-1')

describe('replaying a recorded stream', () => {
  it('REQ-K5: any order and any repeats give the same report', () => {
    const scenario = lives.chain((all) => {
      const lines = jsonLines(all)
      return fc.record({
        plain: fc.constant(lines),
        mixed: fc.shuffledSubarray([...lines, ...lines, ...lines], {
          minLength: lines.length * 3,
          maxLength: lines.length * 3,
        }),
      })
    })
    const reportOf = (lines: readonly string[]) => {
      const stream = new ReplayStream({ prices: [prices], by: ['room', 'participant', 'day'] })
      for (const each of inOrder(lines)) stream.push(each)
      return stream.report()
    }
    fc.assert(
      fc.property(scenario, ({ plain, mixed }) => {
        expect(reportOf(mixed)).toEqual(reportOf(plain))
      }),
    )
  })

  it('REQ-K5: every byte that was published is counted, once', () => {
    fc.assert(
      fc.property(lives, (all) => {
        const { allocations } = replayed(jsonLines(all))
        const counted = allocations.reduce(
          (sum, each) => sum + Object.values(totalOf(each)).reduce((a, b) => a + b, 0),
          0,
        )
        const published = all.flatMap(totalCounts).reduce((a, b) => a + b, 0)
        expect(counted).toBe(published)
      }),
    )
  })

  it('names what is wrong with a line that it cannot read', () => {
    const good = JSON.stringify({
      t: 1_795_258_704_000,
      channel: 'turn/realm/pod-a.demo/user/1:a.b.c/allocation/1/traffic',
      message: 'rcvp=1, rcvb=100, sentp=0, sentb=0',
    })
    expect(readRecorded(good)).toMatchObject({ event: { traffic: { clientToTurnBytes: 100 } } })
    expect(readRecorded(' ')).toBeUndefined()
    const reasons = [
      '{broken',
      '{"t":1}',
      good.replace('rcvb=100', 'rcvb=-1'),
      good.replace('1795258704000', '1795258704000000'),
    ].map(readRecorded)
    expect(reasons).toEqual([
      { rejected: 'not JSON' },
      { rejected: 'not of the form {"t": epoch ms, "channel": "…", "message": "…"}' },
      { rejected: expect.stringContaining('counters are not four whole numbers') },
      { rejected: 't 1795258704000000 is past the year 2100; give epoch ms' },
    ])
  })

  it('REQ-K5: event by event, keeping the last hours alone, it comes to the same report', () => {
    // Far apart, so that hours are summed up and allocations forgotten on the way.
    const apart = lives.map((all) =>
      all.map((life, index) => ({ ...life, from: life.from + index * 30 * hour })),
    )
    fc.assert(
      fc.property(apart, fc.subarray([...reportDimensions]), (all, by) => {
        const lines = jsonLines(all)
        const stream = new ReplayStream({ prices: [prices], by })
        for (const each of inOrder([...lines, ...lines])) stream.push(each)
        expect(stream.report()).toEqual(replayedReport(replayed(lines), { prices, by }))
        expect([stream.accepted, stream.repeated]).toEqual([lines.length, lines.length])
      }),
    )
  })

  it('REQ-K5: what is said once more of an allocation that ended hours ago counts nothing', () => {
    const ended = lives
      .map((all) => all.map((life) => ({ ...life, closes: true })))
      .filter((all) => all.some(({ deltas }) => deltas.length > 0))
    fc.assert(
      fc.property(ended, fc.integer({ min: 8, max: 60 }), (all, hours) => {
        const lines = jsonLines(all)
        const totals = lines.filter((line) => line.includes('total_traffic'))
        const late = totals.map((line) => {
          const { t, ...said } = JSON.parse(line)
          return JSON.stringify({ t: t + hours * hour, ...said })
        })
        const bytesOf = (lines: readonly string[]) => {
          const stream = new ReplayStream({ prices: [prices], by: ['room'] })
          for (const each of inOrder(lines)) stream.push(each)
          return stream.report().totals
        }
        const [once, again] = [bytesOf(lines), bytesOf([...lines, ...late])]
        expect([again.bytes, again.allocations]).toEqual([once.bytes, once.allocations])
      }),
    )
  })

  it('REQ-K5: does not take an event that comes too late', () => {
    const line = (t: number) => ({
      t,
      channel: 'turn/realm/pod-a.demo/user/1:a.b.c/allocation/1/status',
      message: 'deleted',
    })
    const [first, second] = inOrder([line(1), line(2)].map((each) => JSON.stringify(each)))
    const stream = new ReplayStream({ prices: [prices], by: [] })
    if (!first || !second) throw new Error('no events')
    expect([stream.push(second), stream.push(first)]).toEqual([true, false])
    expect(stream.accepted).toBe(1)
  })

  it('REQ-K5: counters that would bring an allocation past 2^53 bytes are not counted, and the report says so', () => {
    const line = (t: number, bytes: number) =>
      JSON.stringify({
        t,
        channel: 'turn/realm/pod-a.demo/user/1:a.b.c/allocation/1/traffic',
        message: `rcvp=1, rcvb=${bytes}, sentp=0, sentb=0`,
      })
    const stream = new ReplayStream({ prices: [prices], by: [] })
    const lines = [line(1, Number.MAX_SAFE_INTEGER - 10), line(2, 11), line(3, 11)]
    for (const each of inOrder(lines)) stream.push(each)
    const { notes, totals } = stream.report(['before'])
    expect(totals.bytes.clientToTurn).toBe(Number.MAX_SAFE_INTEGER - 10)
    expect(notes.slice(0, 2)).toEqual([
      'before',
      '2 counters not counted: they would bring an allocation past 2^53 bytes',
    ])
  })

  it('REQ-K5: price lists hold each in its time and region, whatever hours the stream is of', () => {
    const start = Date.UTC(2026, 10, 30, 22)
    const perGB = (price: number, over: Partial<Prices>): Prices => ({
      ...prices,
      ...{ name: `at ${price}`, packetOverheadBytes: 0, gigabyte: 1e9 },
      egress: {
        ...prices.egress,
        internet: { priorUsageGB: 0, tiers: [{ upToGB: Number.POSITIVE_INFINITY, perGB: price }] },
      },
      ...over,
    })
    // A gigabyte in each of six hours, of which the third is the first of a month.
    const lines = Array.from({ length: 6 }, (_, index) =>
      JSON.stringify({
        t: start + index * hour,
        channel: `turn/realm/pod-a.demo/user/1:a.b.c/allocation/${index}/traffic`,
        message: 'rcvp=0, rcvb=0, sentp=1, sentb=1000000000',
      }),
    )
    const costOf = (lists: readonly Prices[], region?: string) => {
      const stream = new ReplayStream({ prices: lists, by: [], ...(region && { region }) })
      for (const each of inOrder(lines)) stream.push(each)
      return stream.report().totals.cost.total
    }
    const change = start + 3 * hour
    const lists = [
      perGB(1, { validTo: change }),
      perGB(10, { validFrom: change }),
      perGB(100, { region: 'ap-south-1', validTo: start + hour }),
      perGB(200, { region: 'ap-south-1', validFrom: start + hour }),
    ]
    expect(costOf(lists)).toBe(3 * 1 + 3 * 10)
    expect(costOf(lists, 'ap-south-1')).toBe(100 + 5 * 200)
    expect(() => costOf([perGB(1, { validFrom: Date.UTC(2030, 0) })])).toThrow(
      /no price list holds from 2026-11-30T22:00Z to 2026-12-01T03:00Z/,
    )
  })

  it('an empty stream is a report of zeros', () => {
    const report = new ReplayStream({ prices: [prices], by: ['room'] }).report()
    expect(report.rows).toEqual([])
    expect(report.totals.cost.total).toBe(0)
  })
})
