import { describe, expect, it } from '@jest/globals'
import { reportDimensions } from '@parley/protocol'
import fc from 'fast-check'
import { totalOf } from './allocation.ts'
import { presetPrices } from './prices/presets.ts'
import { compareRecorded, type Recorded, readRecorded, replayEvents } from './replay.ts'
import { ReplayStream } from './replay-stream.ts'
import { replayReport } from './report.ts'
import { hour, type Life, lives, publish, totalCounts } from './testing/stream.ts'

const prices = presetPrices('aws/eu-central-1')
const jsonLines = (all: readonly Life[]) => all.flatMap(publish).map((line) => JSON.stringify(line))

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
    fc.assert(
      fc.property(scenario, ({ plain, mixed }) => {
        const by = ['room', 'participant', 'day'] as const
        expect(replayReport(replayEvents(mixed), { prices, by })).toEqual(
          replayReport(replayEvents(plain), { prices, by }),
        )
      }),
    )
  })

  it('REQ-K5: every byte that was published is counted, once', () => {
    fc.assert(
      fc.property(lives, (all) => {
        const { allocations } = replayEvents(jsonLines(all))
        const counted = allocations.reduce(
          (sum, each) => sum + Object.values(totalOf(each)).reduce((a, b) => a + b, 0),
          0,
        )
        const published = all.flatMap(totalCounts).reduce((a, b) => a + b, 0)
        expect(counted).toBe(published)
      }),
    )
  })

  it('names the lines that it cannot read and counts the rest', () => {
    const good = JSON.stringify({
      t: 1_795_258_704_000,
      channel: 'turn/realm/pod-a.demo/user/1:a.b.c/allocation/1/traffic',
      message: 'rcvp=1, rcvb=100, sentp=0, sentb=0',
    })
    const replay = replayEvents([
      '{broken',
      '',
      good,
      '{"t":1}',
      good.replace('rcvb=100', 'rcvb=-1'),
      good.replace('1795258704000', '1795258704000000'),
    ])
    expect(replay.rejected).toEqual([
      { line: 1, reason: 'not JSON' },
      { line: 4, reason: 'not of the form {"t": epoch ms, "channel": "…", "message": "…"}' },
      { line: 5, reason: expect.stringContaining('counters are not four whole numbers') },
      { line: 6, reason: 't 1795258704000000 is past the year 2100; give epoch ms' },
    ])
    const report = replayReport(replay, { prices })
    expect(report.totals.bytes.clientToTurn).toBe(100)
    expect(report.notes[0]).toBe('line 1 not counted: not JSON')
  })

  const inOrder = (lines: readonly string[]) =>
    lines
      .map(readRecorded)
      .filter((each): each is Recorded => each !== undefined && !('rejected' in each))
      .sort(compareRecorded)

  it('REQ-K5: event by event, keeping the last hours alone, it comes to the same report', () => {
    // Far apart, so that hours are summed up and allocations forgotten on the way.
    const apart = lives.map((all) =>
      all.map((life, index) => ({ ...life, from: life.from + index * 30 * hour })),
    )
    fc.assert(
      fc.property(apart, fc.subarray([...reportDimensions]), (all, by) => {
        const lines = jsonLines(all)
        const stream = new ReplayStream({ prices, by })
        for (const each of inOrder([...lines, ...lines])) stream.push(each)
        expect(stream.report()).toEqual(replayReport(replayEvents(lines), { prices, by }))
        expect([stream.accepted, stream.repeated]).toEqual([lines.length, lines.length])
      }),
    )
  })

  it('REQ-K5: does not take events that come too late', () => {
    const [life] =
      fc.sample(
        lives.filter((all) => (all[0]?.deltas.length ?? 0) > 1),
        1,
      )[0] ?? []
    const events = inOrder(life ? jsonLines([life]) : [])
    const stream = new ReplayStream({ prices, by: [] })
    expect(() => {
      for (const each of events.reverse()) stream.push(each)
    }).toThrow(RangeError)
  })

  it('an empty stream is a report of zeros', () => {
    const report = replayReport(replayEvents([]), { prices })
    expect(report.rows).toEqual([])
    expect(report.totals.cost.total).toBe(0)
  })
})
