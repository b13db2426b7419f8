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
  let away: boolean
  let putBack: string[][]
  let told: string[][]
  let lose: () => void
  let watch: { close(): void }

  /** So long, look by look. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }

  beforeEach(async () => {
    place = 'one'
    away = false
    putBack = []
    told = []
    const redis = Object.assign(new EventEmitter(), {
      hkeys: async () => ['one', 'two'],
      hmget: async () => [place],
      async hsetnx(_key: string, ...what: string[]) {
        putBack.push(what)
        return 1
      },
      async set() {
        if (away) throw new Error('away')
        return 'OK'
      },
    })
    lose = () => redis.emit('close')
    watch = keepSfuPlaces({
      redis: redis as unknown as Parameters<typeof keepSfuPlaces>[0]['redis'],
      ...{ prefix: 'parley:town', clock, log: pino({ level: 'silent' }) },
      rooms: () => ['a'],
      onSplit: (rooms) => told.push(rooms),
    })
    await pass(4000)
    lose()
  })
  afterEach(() => watch.close())

  it('are told once, also where Redis goes away again before that', async () => {
    away = true
    place = 'two'
    await pass(1000)
    expect(told).toEqual([])
    away = false
    await pass(10_000)
    expect(told).toEqual([['a']])
  })

  it('find each other later, too: for as long as the pod that they left may close the room', async () => {
    await pass(55_000)
    place = 'two'
    await pass(20_000)
    expect(told).toEqual([['a']])
    place = null
    await pass(1000)
    expect(putBack[0]).toEqual(['a', 'two'])
  })
})
