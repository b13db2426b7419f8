import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { boundRooms, createMetrics } from './metrics.ts'

describe('boundRooms', () => {
  it('REQ-A5: is bounded, loses nobody, and shows the busiest', () => {
    const rooms = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,4}$/),
      fc.integer({ min: 1, max: 50 }),
      {
        maxKeys: 40,
      },
    )
    const sum = (counts: Iterable<number>) => [...counts].reduce((a, b) => a + b, 0)
    fc.assert(
      fc.property(rooms, fc.integer({ min: 1, max: 10 }), (record, limit) => {
        const all = new Map(Object.entries(record))
        const bounded = boundRooms(all, limit)
        expect(bounded.size).toBeLessThanOrEqual(limit + 1)
        expect(sum(bounded.values())).toBe(sum(all.values()))
        if (all.size > 0) expect([...bounded.keys()]).toContain(busiest(all))
      }),
    )
  })

  it('a room that is itself named "other" is summed with the others', () => {
    const rooms = new Map([
      ['other', 3],
      ['a', 2],
      ['b', 1],
    ])
    expect(boundRooms(rooms, 2)).toEqual(
      new Map([
        ['other', 4],
        ['a', 2],
      ]),
    )
  })
})

describe('createMetrics', () => {
  it('REQ-K6: says what a replica holds, for autoscaling', async () => {
    const rooms = new Map([
      ['a', 2],
      ['b', 3],
    ])
    let roomShares = async () => 1.25
    const { registry } = createMetrics({
      participantsByRoom: () => rooms,
      sockets: () => 7,
      roomShares: () => roomShares(),
    })
    const text = await registry.metrics()
    expect(text).toContain('\nparley_signaling_room_shares 1.25\n')
    expect(text).toContain('\nparley_signaling_sockets 7\n')
    expect(text).toContain('\nparley_signaling_rooms 2\n')
    expect(text).toContain('\nparley_signaling_participants 5\n')
    roomShares = () => Promise.reject(new Error('no store'))
    expect(await registry.metrics()).toMatch(/\nparley_signaling_room_shares nan\n/i)
  })
})

function busiest(rooms: Map<string, number>): string {
  return [...rooms].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0] ?? ''
}
