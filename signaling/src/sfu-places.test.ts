import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { pino } from 'pino'
import { keepSfuPlaces, SfuPlaces } from './sfu-places.ts'
import { manualClock } from './testing/manual-clock.ts'

const said = (places: Record<string, string | undefined>) => new Map(Object.entries(places))
const nothing = { missing: [], split: [] }

function knowing(places: Record<string, string>): SfuPlaces {
  const kept = new SfuPlaces()
  kept.take(said(places))
  return kept
}

const room = fc.constantFrom('a', 'b', 'c')
const node = fc.constantFrom('one', 'two')
const places = fc.dictionary(room, fc.option(node, { nil: undefined }))
const known = fc.dictionary(room, node)
const alive = fc.subarray(['one', 'two']).map((nodes) => new Set(nodes))

describe('REQ-K8: which SFU pod a room is on', () => {
  it('is put back where Redis has forgotten it, until Redis says it again', () => {
    const kept = knowing({ a: 'one', b: 'two' })
    const alive = new Set(['one', 'two'])
    const missing = [
      ['a', 'one'],
      ['b', 'two'],
    ]
    const forgotten = said({ a: undefined, b: undefined })
    expect(kept.take(forgotten, alive)).toEqual({ missing, split: [] })
    expect(kept.take(forgotten, alive)).toEqual({ missing, split: [] })
    expect(kept.take(said({ a: 'one', b: 'two' }), alive)).toEqual(nothing)
  })

  it('is put back only once LiveKit has said again that the pod is there', () => {
    const kept = knowing({ a: 'one' })
    expect(kept.take(said({ a: undefined }), new Set())).toEqual(nothing)
    expect(kept.take(said({ a: undefined }), new Set(['two']))).toEqual(nothing)
    expect(kept.take(said({ a: undefined }), new Set(['one', 'two'])).missing).toEqual([
      ['a', 'one'],
    ])
  })

  it('is another one, of which its people are told once, where somebody was put elsewhere meanwhile', () => {
    const kept = knowing({ a: 'one' })
    const both = new Set(['one', 'two'])
    expect(kept.take(said({ a: 'two' }), new Set(['two']))).toEqual(nothing)
    expect(kept.take(said({ a: 'two' }), both)).toEqual({ missing: [], split: ['a'] })
    expect(kept.take(said({ a: 'two' }), both)).toEqual(nothing)
    // LiveKit forgets the room when the pod that all have left closes it.
    expect(kept.take(said({ a: undefined }), both).missing).toEqual([['a', 'two']])
  })

  it('is what Redis says at all other times: nothing is put back, nobody is told', () => {
    fc.assert(
      fc.property(fc.array(places), (looks) => {
        const kept = new SfuPlaces()
        for (const look of looks) expect(kept.take(said(look))).toEqual(nothing)
      }),
    )
  })

  it('is never put back to a pod that is gone, or over what Redis says, or for a room with nobody here', () => {
    fc.assert(
      fc.property(known, fc.array(fc.tuple(places, alive)), (first, looks) => {
        const kept = knowing(first)
        for (const [look, pods] of looks) {
          const { missing, split } = kept.take(said(look), pods)
          for (const [name, at] of missing) {
            expect(pods).toContain(at)
            expect(look).toHaveProperty(name, undefined)
          }
          for (const name of split) expect(look[name]).toBeDefined()
        }
      }),
    )
  })

  it('is forgotten when nobody is in the room any more', () => {
    const kept = knowing({ a: 'one' })
    kept.take(said({}))
    expect(kept.take(said({ a: undefined }), new Set(['one']))).toEqual(nothing)
  })
})

describe('REQ-K8: the people of a room that was split', () => {
  const clock = manualClock()
  let place: string | null
  let putBack: string[][]
  let stops: (() => void)[]

  /** So long, look by look. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }
  const startReplica = () => {
    let away = false
    const told: string[][] = []
    const answer = async <T>(value: T) => {
      if (away) throw new Error('away')
      return value
    }
    const redis = Object.assign(new EventEmitter(), {
      hkeys: () => answer(['one', 'two']),
      hmget: () => answer([place]),
      hsetnx(_key: string, ...what: string[]) {
        putBack.push(what)
        return answer(1)
      },
    })
    const watch = keepSfuPlaces({
      redis: redis as unknown as Parameters<typeof keepSfuPlaces>[0]['redis'],
      ...{ clock, log: pino({ level: 'silent' }) },
      rooms: () => ['a'],
      onSplit: (rooms) => told.push(rooms),
    })
    stops.push(watch.close)
    return {
      told,
      /** Its connection to Redis is lost. */
      lose() {
        away = true
        redis.emit('close')
      },
      back() {
        away = false
      },
    }
  }

  beforeEach(() => {
    place = 'one'
    putBack = []
    stops = []
  })
  afterEach(() => {
    for (const stop of stops) stop()
  })

  it('are told once by their own replica, whatever it hears of the others and whenever it is back', async () => {
    const replicas = [startReplica(), startReplica()] as const
    const [first, second] = replicas
    await pass(4000)
    for (const { lose } of replicas) lose()
    place = 'two'
    await pass(1000)
    expect(replicas.map(({ told }) => told)).toEqual([[], []])
    first.back()
    await pass(20_000)
    expect(replicas.map(({ told }) => told)).toEqual([[['a']], []])
    second.back()
    await pass(20_000)
    expect(replicas.map(({ told }) => told)).toEqual([[['a']], [['a']]])
  })

  it('find each other later, too: for as long as the pod that they left may close the room', async () => {
    const { told, lose, back } = startReplica()
    await pass(4000)
    lose()
    back()
    await pass(55_000)
    place = 'two'
    await pass(20_000)
    expect(told).toEqual([['a']])
    place = null
    await pass(1000)
    expect(putBack[0]).toEqual(['a', 'two'])
  })
})
