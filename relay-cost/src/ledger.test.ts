import { describe, expect, it } from '@jest/globals'
import type { StatsdbLine } from '@parley/protocol'
import fc from 'fast-check'
import {
  type AllocationRecord,
  endOf,
  isOpen,
  joinAllocations,
  mergeAllocations,
  totalOf,
  trafficByHour,
} from './allocation.ts'
import { Ledger } from './ledger.ts'
import { parseStatsdb } from './statsdb.ts'
import { hour, lives, publish, record, start } from './testing/stream.ts'
import { addTraffic, noTraffic, relayedBytes, trafficFields } from './traffic.ts'

const base = 'turn/realm/pod-a.demo/user/4000000000:acme.r1.p-1/allocation/000000000000000001/'
const status = (verb: string, remote: string) =>
  `${verb} lifetime=600, type=UDP, local=10.0.0.1:3478, remote=${remote}, ssl=NONE, cipher=NONE`
const bytes = (n: number) => `rcvp=1, rcvb=${n}, sentp=0, sentb=0`

function feed(ledger: Ledger, lines: readonly StatsdbLine[]): Ledger {
  for (const line of lines) {
    const event = parseStatsdb(line)
    if ('rejected' in event) throw new Error(event.rejected)
    ledger.apply(event)
  }
  return ledger
}

function ledgerOf(...messages: [minute: number, topic: string, message: string][]): Ledger {
  return feed(
    new Ledger(),
    messages.map(([minute, topic, message]) => ({
      t: start + minute * 60_000,
      channel: base + topic,
      message,
    })),
  )
}

const sumOf = (records: readonly AllocationRecord[]) =>
  records.reduce((sum, each) => sum + relayedBytes(totalOf(each)), 0)

describe('the allocation ledger', () => {
  it('REQ-K5: deltas add up, and the totals at the end make good what was lost', () => {
    const { gained } = ledgerOf(
      [0, 'status', status('new', 'c:1')],
      [1, 'traffic', bytes(100)],
      [2, 'traffic', bytes(50)],
      [3, 'status', 'deleted'],
      [3, 'total_traffic', bytes(180)],
    )
    expect(gained.clientToTurnBytes).toBe(180)
  })

  it('REQ-K5: the next process of a pod numbers from 1 again: another client address, another allocation', () => {
    const records = ledgerOf(
      [0, 'status', status('new', 'c:1')],
      [1, 'traffic', bytes(100)],
      [5, 'status', status('new', 'c:2')],
      [6, 'traffic', bytes(30)],
      [7, 'status', 'deleted'],
      [7, 'total_traffic', bytes(40)],
    ).records()
    expect(records.map((each) => [each.remote, totalOf(each).clientToTurnBytes])).toEqual([
      ['c:1', 100],
      ['c:2', 40],
    ])
  })

  it('REQ-K5: traffic of an allocation whose status was missed is its own once the status comes', () => {
    const records = ledgerOf(
      [0, 'traffic', bytes(100)],
      [1, 'status', status('refreshed', 'c:1')],
      [2, 'traffic', bytes(7)],
    ).records()
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ remote: 'c:1', openedAt: start })
    expect(sumOf(records)).toBe(107)
  })

  it('REQ-K5: a session that never became an allocation is none; one without a username is one', () => {
    const nameless = base.replace('4000000000:acme.r1.p-1', '')
    const line = (topic: string, message: string) => ({
      t: start,
      channel: nameless + topic,
      message,
    })
    const bare = [
      line('traffic', bytes(20)),
      line('status', 'deleted'),
      line('total_traffic', bytes(20)),
    ]
    expect(feed(new Ledger(), bare).records()).toEqual([])
    const opened = feed(new Ledger(), [line('status', status('new', 'c:1')), ...bare])
    expect(sumOf(opened.records())).toBe(20)
  })

  it('REQ-K5: traffic stands in the hour in which it came, and the hours sum to the total', () => {
    const [only] = ledgerOf(
      [50, 'traffic', bytes(10)],
      [59, 'traffic', bytes(20)],
      [61, 'traffic', bytes(5)],
    ).records()
    expect(
      only && trafficByHour(only).map((each) => [each.hour, relayedBytes(each.traffic)]),
    ).toEqual([
      [start, 30],
      [start + hour, 5],
    ])
  })

  it('REQ-K5: two meters that see one delta on different sides of the hour count it once', () => {
    const early = ledgerOf([59, 'traffic', bytes(10)], [70, 'traffic', bytes(1)]).records()
    const late = ledgerOf([60, 'traffic', bytes(10)], [70, 'traffic', bytes(1)]).records()
    expect(sumOf(joinAllocations([...early, ...late]))).toBe(11)
  })

  it('REQ-K5: an allocation of a coturn that was killed is open until it expires', () => {
    const [only] = ledgerOf([0, 'status', status('new', 'c:1')]).records()
    if (!only) throw new Error('no record')
    expect(isOpen(only, start + 599_999)).toBe(true)
    expect(isOpen(only, start + 600_000)).toBe(false)
    expect(endOf(only, start + hour)).toBe(start + 600_000)
  })

  it('REQ-K5: a restart in mid-stream from what was saved counts neither twice nor too little', () => {
    fc.assert(
      fc.property(lives, fc.nat(100), (all, at) => {
        const lines = all.flatMap(publish)
        const cut = lines.length === 0 ? 0 : at % lines.length
        const before = feed(new Ledger(), lines.slice(0, cut))
        const after = new Ledger()
        after.load(structuredClone(before.records()))
        feed(after, lines.slice(cut))
        const whole = feed(new Ledger(), lines)
        expect(joinAllocations(after.records())).toEqual(joinAllocations(whole.records()))
        for (const field of trafficFields)
          expect(before.gained[field] + after.gained[field]).toBe(whole.gained[field])
      }),
    )
  })

  it('REQ-K5: what a ledger gained is what its records hold', () => {
    fc.assert(
      fc.property(lives, (all) => {
        const ledger = feed(new Ledger(), all.flatMap(publish))
        const held = ledger
          .records()
          .reduce((sum, each) => addTraffic(sum, totalOf(each)), noTraffic())
        expect(ledger.gained).toEqual(held)
      }),
    )
  })

  it('REQ-K5: a meter that missed any of the messages never says more than one that missed none', () => {
    fc.assert(
      fc.property(lives, fc.infiniteStream(fc.boolean()), (all, heard) => {
        const lines = all.flatMap(publish)
        const whole = feed(new Ledger(), lines)
        const deaf = feed(
          new Ledger(),
          lines.filter(() => heard.next().value),
        )
        const joined = joinAllocations([...whole.records(), ...deaf.records()])
        expect(sumOf(joined)).toBe(sumOf(whole.records()))
        expect(sumOf(deaf.records())).toBeLessThanOrEqual(sumOf(whole.records()))
      }),
    )
  })

  it('REQ-K5: what was closed is let go of soon, what expired only once its username has, what is open stays', () => {
    const expiring = base.replace('4000000000', String(start / 1000 + 3600))
    const line = (channel: string, message: string) => ({ t: start, channel, message })
    const ledger = feed(new Ledger(), [
      line(`${base.replace('p-1', 'p-closed')}status`, 'deleted'),
      line(`${expiring}status`, status('new', 'c:1')),
      line(`${base}status`, status('new', 'c:1').replace('=600', '=7200')),
    ])
    const ends: [number, number][] = [
      [1, 3],
      [3, 2],
      [59, 2],
      [61, 1],
      [119, 1],
      [25 * 60, 0],
    ]
    for (const [minutes, left] of ends) {
      ledger.forgetSettled(start + minutes * 60_000)
      expect(ledger.records()).toHaveLength(left)
    }
  })

  it('REQ-K5: of what was let go no message counts twice, and what is new is counted', () => {
    fc.assert(
      fc.property(lives, fc.nat(100), (all, at) => {
        const ended = all.map((life) => ({ ...life, closes: true }))
        const lines = ended.flatMap(publish)
        const tidied = feed(new Ledger(), lines)
        const gone = structuredClone(tidied.forgetSettled(start + 100 * hour))
        expect(tidied.records()).toEqual([])
        const whole = feed(new Ledger(), lines)
        // Some of it once more, hours later: totals say nothing new, a delta can only be another one.
        const again = lines
          .filter((_, index) => (index + at) % 3 > 0)
          .map((line) => ({ ...line, t: start + 101 * hour }))
        feed(tidied, again)
        feed(whole, again)
        expect(tidied.gained).toEqual(whole.gained)
        const joined = joinAllocations([...gone, ...tidied.records()])
        expect(joined.map(totalOf)).toEqual(joinAllocations(whole.records()).map(totalOf))
      }),
    )
  })

  it('REQ-K5: another client address is another allocation, also where the one before was let go', () => {
    const ledger = ledgerOf([0, 'status', status('new', 'c:1')], [1, 'traffic', bytes(100)])
    const later = (message: string, topic = 'status') =>
      feed(ledger, [{ t: start + hour, channel: base + topic, message }])
    later('deleted')
    const gone = structuredClone(ledger.forgetSettled(start + 2 * hour))
    expect(
      ledger.knows({ ...(gone[0] ?? { realm: '', username: '', id: '' }), remote: 'c:1' }),
    ).toBe(true)
    later(status('new', 'c:2'))
    later(bytes(40), 'total_traffic')
    expect(ledger.records().map((each) => [each.remote, sumOf([each])])).toEqual([['c:2', 40]])
    expect(ledger.gained.clientToTurnBytes).toBe(140)
  })
})

describe('what the ledger cannot see or keep', () => {
  const lived = (...deltas: [number, string, string][]) =>
    ledgerOf(
      [0, 'status', status('new', 'c:1')],
      ...deltas,
      [3, 'status', 'deleted'],
      [3, 'total_traffic', bytes(300)],
      [3, 'total_traffic/peer', bytes(50)],
    )

  it('REQ-K5: bytes that only the totals tell of are counted, and named', () => {
    const [record] = lived([1, 'traffic', bytes(100)]).records()
    expect(record?.recoveredBytes).toBe(250)
    expect(sumOf(record ? [record] : [])).toBe(350)
  })

  it('REQ-K5: where no delta was lost nothing is', () => {
    const whole = lived([1, 'traffic', bytes(300)], [1, 'traffic/peer', bytes(50)])
    expect(whole.records()[0]?.recoveredBytes ?? 0).toBe(0)
  })

  it('REQ-K5: two meters that lost different deltas agree on the bytes, and one of them on the loss', () => {
    const [a] = lived([1, 'traffic', bytes(300)]).records()
    const [b] = lived([1, 'traffic/peer', bytes(50)]).records()
    if (!a || !b) throw new Error('no record')
    const both = mergeAllocations(a, b)
    expect(both.recoveredBytes).toBe(300)
    expect(totalOf(both)).toEqual(totalOf(a))
    expect(mergeAllocations(both, a)).toEqual(both)
  })

  it('REQ-K5: any one of the deltas may be lost: the totals come out, and the gap is what it told', () => {
    const losses = lives.filter((all) =>
      all.some(({ closes, deltas }) => closes && deltas.length > 0),
    )
    fc.assert(
      fc.property(losses, fc.nat(), (all, seed) => {
        const ended = all.filter(({ closes }) => closes)
        const lines = ended.flatMap(publish)
        const deltas = lines.filter(({ channel }) => /[0-9][/]traffic(?:[/]peer)?$/.test(channel))
        const lost = deltas[seed % Math.max(1, deltas.length)]
        const whole = feed(new Ledger(), lines).records()
        const cut = feed(
          new Ledger(),
          lines.filter((line) => line !== lost),
        ).records()
        expect(sumOf(cut)).toBe(sumOf(whole))
        const told = [...(lost?.message ?? '').matchAll(/(?:rcvb|sentb)=(\d+)/g)]
        const gap = cut.reduce((sum, each) => sum + (each.recoveredBytes ?? 0), 0)
        expect(gap).toBe(told.reduce((sum, [, n]) => sum + Number(n), 0))
      }),
    )
  })

  it('REQ-K5: a sum past 2^53 is not counted and not rounded', () => {
    const ledger = ledgerOf(
      [0, 'status', status('new', 'c:1')],
      [1, 'traffic', bytes(2 ** 53 - 1)],
      [2, 'traffic', bytes(2 ** 53 - 1)],
    )
    expect(ledger.overflows).toBe(1)
    expect(sumOf(ledger.records())).toBe(2 ** 53 - 1)
  })

  it('REQ-K5: packets are not added up past 2^53 either', () => {
    const packets = (n: number) => `rcvp=${n}, rcvb=1, sentp=0, sentb=0`
    const ledger = ledgerOf(
      [0, 'status', status('new', 'c:1')],
      [1, 'traffic', packets(2 ** 53 - 1)],
      [2, 'traffic', packets(10)],
    )
    expect(ledger.overflows).toBe(1)
    expect(ledger.records().map((each) => totalOf(each).clientToTurnPackets)).toEqual([2 ** 53 - 1])
  })
})

describe('merging allocation records', () => {
  const same = (each: AllocationRecord) => ({
    ...each,
    realm: 'r',
    username: 'u',
    id: '1',
    remote: 'c',
  })
  const one = record.map(same)

  it('REQ-K5: is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(one, one, one, (a, b, c) => {
        expect(mergeAllocations(a, b)).toEqual(mergeAllocations(b, a))
        expect(mergeAllocations(a, mergeAllocations(b, c))).toEqual(
          mergeAllocations(mergeAllocations(a, b), c),
        )
        expect(mergeAllocations(a, a)).toEqual(a)
      }),
    )
  })

  it('REQ-K5: joining views does not depend on their order or their number', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.nat(), (views, seed) => {
        const shuffled = views
          .map((view, index) => ({ view, at: ((index + 1) * (seed + 7919)) % 104_729 }))
          .sort((a, b) => a.at - b.at)
          .map(({ view }) => view)
        expect(joinAllocations([...shuffled, ...views])).toEqual(joinAllocations(views))
      }),
    )
  })
})
