import { describe, expect, it } from '@jest/globals'
import type { LiveUpdate, LiveUser, MeetingAlert } from '@parley/protocol'
import fc from 'fast-check'
import { AdminBoard, trendOf, userKey } from './AdminBoard.ts'
import {
  alertRows,
  filterMeetings,
  meetingsOf,
  sortMeetings,
  sortUsers,
  totalsOf,
} from './boardViews.ts'

const user = (
  meetingId: string,
  userId: string,
  at: number,
  more: Partial<LiveUser['metrics']> = {},
): LiveUser => ({
  ...{ meetingId, userId, at, quality: 'good', mos: 4, score: 80 },
  metrics: {
    ...{ up: 100, down: 200, rtt: 50, min: 40, max: 60, loss: 0, jitter: 1, links: 1, relayed: 0 },
    ...{ tx: 0, rx: 0, back: 0, ...more },
  },
})
const alert = (
  id: string,
  at: number,
  state: MeetingAlert['state'] = 'open',
  since = at,
): MeetingAlert => ({
  ...{ id, meetingId: 'm', userId: 'u', kind: 'relay', severity: 'info', state, since, at },
  ...{ value: null, cost: true },
})
function boardOf() {
  let kept: readonly string[] = []
  let now = 1_000_000
  const board = new AdminBoard({
    now: () => now,
    acknowledged: {
      read: () => kept,
      keep: (marks) => {
        kept = marks
      },
    },
  })
  return {
    board,
    state: () => board.store.getState(),
    kept: () => kept,
    advance: (ms: number) => {
      now += ms
    },
  }
}

const meeting = fc.constantFrom('m1', 'm2', 'm3')
const person = fc.constantFrom('a', 'b', 'c')
const at = fc.integer({ min: 1, max: 1000 })
const update: fc.Arbitrary<LiveUpdate> = fc.oneof(
  fc
    .tuple(meeting, person, at, fc.nat(2), fc.option(fc.nat(900)))
    .map(([m, u, when, relayed, rtt]) => user(m, u, when, { relayed, rtt, links: 2 })),
  fc
    .tuple(meeting, person, at)
    .map(([meetingId, userId, when]) => ({ meetingId, userId, gone: true as const, at: when })),
)
const updates = fc.uniqueArray(update, {
  maxLength: 40,
  selector: (one) => `${userKey(one)} ${one.at}`,
})

/** What should be there, whatever the order: the newest of each, unless that is that they went. */
function expected(all: readonly LiveUpdate[]): string[] {
  const newest = new Map<string, LiveUpdate>()
  for (const one of all)
    if ((newest.get(userKey(one))?.at ?? 0) < one.at) newest.set(userKey(one), one)
  return [...newest].flatMap(([key, one]) => ('gone' in one ? [] : [`${key} ${one.at}`])).sort()
}
const there = (board: AdminBoard) =>
  [...board.store.getState().users].map(([key, { at }]) => `${key} ${at}`).sort()

describe('REQ-A1, REQ-G4: the board of an admin', () => {
  it('has the newest of everybody, and nobody who is gone, in whatever order and bundles it came', () => {
    fc.assert(
      fc.property(updates, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (all, sizes) => {
        const { board } = boardOf()
        board.take({ users: [], alerts: [] })
        for (let from = 0; from < all.length; ) {
          const size = sizes.next().value ?? 1
          board.update(all.slice(from, from + size))
          from += size
        }
        expect(there(board)).toEqual(expected(all))
      }),
      { numRuns: 300 },
    )
  })

  it('a snapshot takes the place of what was, but for what was heard since it was asked for', () => {
    fc.assert(
      fc.property(updates, updates, updates, (before, snapshot, early) => {
        const { board } = boardOf()
        board.take({ users: [], alerts: [] })
        board.update(before)
        const users = snapshot.filter((one): one is LiveUser => !('gone' in one))
        const newest = [...Map.groupBy(users, userKey).values()].flatMap(
          (some) => some.toSorted((a, b) => b.at - a.at)[0] ?? [],
        )
        board.begin()
        board.update(early)
        board.take({ users: newest, alerts: [] })
        const heard = new Set(early.map(userKey))
        for (const { meetingId, userId } of board.store.getState().users.values()) {
          const key = userKey({ meetingId, userId })
          expect(heard.has(key) || newest.some((one) => userKey(one) === key)).toBe(true)
        }
        // Once all is heard, it is as if each had come by itself.
        const gone = early.filter((one) => 'gone' in one)
        for (const one of gone)
          expect(
            board.store.getState().users.get(userKey(one))?.at ?? Number.POSITIVE_INFINITY,
          ).toBeGreaterThan(one.at)
      }),
      { numRuns: 200 },
    )
  })

  it('counts are those of who is there, and shrink with them', () => {
    fc.assert(
      fc.property(updates, (all) => {
        const { board, state } = boardOf()
        board.take({ users: [], alerts: [] })
        board.update(all)
        const { users, alerts } = state()
        const totals = totalsOf(users, alerts)
        const relayed = [...users.values()].filter(({ metrics }) => metrics.relayed > 0)
        expect(totals).toMatchObject({ users: users.size, relayed: relayed.length })
        expect(totals.estimatedPerHour).toBeCloseTo(relayed.length * 0.05, 6)
        expect(Object.values(totals.quality).reduce((a, b) => a + b, 0)).toBe(users.size)
        const meetings = meetingsOf(users.values(), alerts.values())
        expect(meetings.reduce((sum, { summary }) => sum + summary.participants, 0)).toBe(
          users.size,
        )
        expect(totals.meetings).toBe(meetings.length)
        board.update(
          [...users.values()].map(({ meetingId, userId, at }) => ({
            meetingId,
            userId,
            gone: true,
            at: at + 1,
          })),
        )
        expect(totalsOf(state().users, state().alerts)).toMatchObject({
          meetings: 0,
          users: 0,
          relayed: 0,
          relayShare: null,
          estimatedPerHour: 0,
        })
      }),
      { numRuns: 200 },
    )
  })

  it('REQ-A3: 100 users of whom 0, 20 and 50 are relayed cost 0, 1.00 and 2.50 an hour', () => {
    for (const [relayed, cost] of [
      [0, 0],
      [20, 1],
      [50, 2.5],
    ] as const) {
      const { board, state } = boardOf()
      board.take({
        users: Array.from({ length: 100 }, (_, index) =>
          user('m', `u${index}`, 1, { relayed: index < relayed ? 1 : 0 }),
        ),
        alerts: [],
      })
      expect(totalsOf(state().users, state().alerts).estimatedPerHour).toBe(cost)
    }
  })

  it('rows of the same value keep their order, whatever the order they came in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.nat(2), fc.option(fc.nat(2))),
          { selector: ([id]) => id, maxLength: 12 },
        ),
        fc.constantFrom('id', 'up', 'rtt', 'relayed' as const),
        fc.constantFrom('ascending', 'descending' as const),
        (people, column, direction) => {
          const rows = people.map(([id, up, rtt]) => user('m', id, 1, { up, rtt }))
          const sorted = sortUsers(rows, column as 'up', direction as 'ascending').map(
            ({ userId }) => userId,
          )
          const again = sortUsers(rows.toReversed(), column as 'up', direction as 'ascending').map(
            ({ userId }) => userId,
          )
          expect(again).toEqual(sorted)
          if (column !== 'rtt') return
          const values = sorted.map(
            (id) => rows.find(({ userId }) => userId === id)?.metrics.rtt ?? null,
          )
          const known = values.filter((value) => value !== null)
          expect(values.slice(known.length).every((value) => value === null)).toBe(true)
          const steps = known.slice(1).map((value, index) => Math.sign(value - (known[index] ?? 0)))
          expect(steps).not.toContain(direction === 'ascending' ? -1 : 1)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('finds meetings by their name and by who is in them; those relayed, those with issues', () => {
    const users = [
      user('standup', 'p-ana', 1, { relayed: 1 }),
      user('standup', 'p-bob', 1),
      user('retro', 'p-eve', 1),
    ]
    const warning: MeetingAlert = {
      ...alert('retro/p-eve/loss', 1),
      meetingId: 'retro',
      userId: 'p-eve',
      kind: 'loss',
      severity: 'warning',
    }
    const meetings = meetingsOf(users, [warning])
    const found = (...args: [string, 'all' | 'relayed' | 'issues']) =>
      filterMeetings(meetings, ...args).map(({ id }) => id)
    expect(found('', 'all')).toEqual(['standup', 'retro'])
    expect(found(' STAND ', 'all')).toEqual(['standup'])
    expect(found('eve', 'all')).toEqual(['retro'])
    expect(found('', 'relayed')).toEqual(['standup'])
    expect(found('', 'issues')).toEqual(['retro'])
    expect(sortMeetings(meetings, 'users', 'descending').map(({ id }) => id)).toEqual([
      'standup',
      'retro',
    ])
  })

  it('REQ-G3: an alert is acknowledged once for each time it opens', () => {
    const { board, state, kept } = boardOf()
    board.take({ users: [], alerts: [alert('x', 10)] })
    board.acknowledge('x')
    expect(kept()).toEqual(['x@10'])
    board.alert([alert('x', 20, 'resolved', 10)])
    expect(state().alerts.get('x')?.state).toBe('resolved')
    board.alert([alert('x', 30)])
    expect(state().acknowledged.has('x@30')).toBe(false)
    // One that comes late.
    board.alert([alert('x', 20, 'resolved', 10)])
    expect(state().alerts.get('x')).toMatchObject({ state: 'open', since: 30 })
    board.acknowledge('nothing')
    expect(kept()).toEqual(['x@10'])
    board.acknowledge('x')
    expect(kept()).toEqual(['x@10', 'x@30'])
    board.acknowledge('x', false)
    expect(kept()).toEqual(['x@10'])
  })

  it('what was resolved while nobody listened is so after the next snapshot', () => {
    const { board, state } = boardOf()
    board.take({ users: [], alerts: [alert('x', 10), alert('y', 11)] })
    board.lost()
    expect(state().live).toBe(false)
    board.begin()
    board.take({ users: [], alerts: [alert('y', 11)] })
    expect([...state().alerts.values()].map(({ id, state }) => `${id} ${state}`).sort()).toEqual([
      'x resolved',
      'y open',
    ])
    expect(alertRows(state().alerts.values()).map(({ id }) => id)).toEqual(['y', 'x'])
  })

  it('has a point in a second at most, an hour of them, and none while nothing is heard', () => {
    const { board, state, advance } = boardOf()
    board.tick()
    expect(state().trend).toEqual([])
    board.take({ users: [user('m', 'a', 1, { rtt: 120, relayed: 1 })], alerts: [] })
    expect(state().trend).toEqual([
      trendOf([user('m', 'a', 1, { rtt: 120, relayed: 1 })], 1_000_000),
    ])
    expect(state().trend[0]).toMatchObject({
      users: 1,
      relayed: 1,
      kbps: 300,
      rtt: 120,
      latency: [0, 0, 1, 0, 0, 0, 0],
    })
    board.tick()
    expect(state().trend).toHaveLength(1)
    for (let tick = 0; tick < 2000; tick++) {
      advance(2000)
      board.tick()
    }
    expect(state().trend).toHaveLength(1800)
  })
})
