import { describe, expect, it } from '@jest/globals'
import type { AdminTokenRequest } from '@parley/protocol'
import { settle, TestClock } from '../../testing/TestClock.ts'
import { AdminBoard } from './AdminBoard.ts'
import { AdminRefusal, AdminSession, type AdminSocketEvents } from './AdminSession.ts'

function rig() {
  const clock = new TestClock()
  const board = new AdminBoard({
    now: () => clock.now(),
    acknowledged: { read: () => [], keep: () => {} },
  })
  const asked: AdminTokenRequest[] = []
  const sockets: { events: AdminSocketEvents; token: () => string; closed: boolean }[] = []
  let answer = async () => ({
    ...{ token: `t${asked.length}`, tenant: 'default', name: 'Ada' },
    ...{ expiresInSeconds: 3600, ofServer: true },
  })
  const session = new AdminSession({
    ...{ board, clock, proof: async () => ({ link: 'a link' }) },
    requestToken(proof) {
      asked.push(proof)
      return answer()
    },
    openSocket(token, events) {
      const socket = { events, token, closed: false }
      sockets.push(socket)
      return {
        history: async () => ({ minutes: [], links: [] }),
        close: () => {
          socket.closed = true
        },
      }
    },
  })
  return {
    ...{ clock, board, asked, sockets, session },
    answers: (next: () => Promise<never>) => {
      const before = answer
      answer = next
      return () => {
        answer = before
      }
    },
  }
}
const refuse = (code: string) => () => Promise.reject(new AdminRefusal(code, code))
const away = () => Promise.reject(new TypeError('fetch failed'))

describe('REQ-G2: the stay of an admin', () => {
  it('shows what it has, hears, and asks for a new token before the old one is over', async () => {
    const { session, board, clock, asked, sockets } = rig()
    await session.enter()
    expect(asked).toEqual([{ link: 'a link' }])
    expect(session.access.getState()).toMatchObject({ phase: 'in', tenant: 'default' })
    const [socket] = sockets
    socket?.events.onSubscribing()
    socket?.events.onSnapshot({ users: [], alerts: [] })
    expect(board.store.getState().live).toBe(true)
    expect(socket?.token()).toBe('t1')
    await clock.advance(3_539_000)
    expect(asked).toHaveLength(1)
    await clock.advance(1000)
    expect(asked).toHaveLength(2)
    // The socket goes on, and shows the new one when it connects again.
    expect(sockets).toHaveLength(1)
    expect(socket?.token()).toBe('t2')
    session.leave()
    expect(socket?.closed).toBe(true)
    expect(board.store.getState().live).toBe(false)
    await clock.advance(10_000_000)
    expect(asked).toHaveLength(2)
  })

  it('comes back with a new token when the server ends the socket, later each time', async () => {
    const { session, clock, asked, sockets, answers } = rig()
    await session.enter()
    answers(away as () => Promise<never>)
    sockets[0]?.events.onRefused()
    expect(sockets[0]?.closed).toBe(true)
    const at: number[] = []
    for (let second = 0; second < 40; second++) {
      const before = asked.length
      await clock.advance(1000)
      if (asked.length > before) at.push(second + 1)
    }
    expect(at).toEqual([1, 3, 7, 15, 31])
    // Nobody is shown out for that.
    expect(session.access.getState().phase).toBe('in')
  })

  it('asks less and less often where it gets tokens and is not heard, and soon again once it was', async () => {
    const { session, clock, asked, sockets } = rig()
    await session.enter()
    const waits: number[] = []
    for (let refusals = 0; refusals < 4; refusals++) {
      const before = asked.length
      sockets.at(-1)?.events.onRefused()
      let waited = 0
      for (; asked.length === before; waited += 1000) await clock.advance(1000)
      waits.push(waited)
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000])
    sockets.at(-1)?.events.onSnapshot({ users: [], alerts: [] })
    sockets.at(-1)?.events.onRefused()
    const before = asked.length
    await clock.advance(1000)
    expect(asked.length).toBe(before + 1)
  })

  it.each([
    ['sign-in-needed', 'nothing-shown', true],
    ['invite-needed', 'nothing-shown', false],
    ['forbidden', 'no-admin', true],
    ['token-expired', 'expired', false],
    ['unauthenticated', 'refused', false],
    ['not-found', 'turned-off', false],
  ])('says why it is out: %s', async (code, problem, signIn) => {
    const { session, answers, clock, asked } = rig()
    answers(refuse(code) as () => Promise<never>)
    await session.enter()
    expect(session.access.getState()).toEqual({ phase: 'out', problem, signIn })
    await clock.advance(100_000)
    expect(asked).toHaveLength(1)
  })

  it('REQ-H6: leaves the board where the page is turned off meanwhile, and asks no more', async () => {
    const { session, board, answers, clock, asked, sockets } = rig()
    await session.enter()
    sockets[0]?.events.onSubscribing()
    sockets[0]?.events.onSnapshot({ users: [], alerts: [] })
    answers(refuse('not-found') as () => Promise<never>)
    sockets[0]?.events.onRefused()
    await clock.advance(1000)
    await settle()
    expect(session.access.getState()).toMatchObject({ phase: 'out', problem: 'turned-off' })
    expect(board.store.getState().live).toBe(false)
    await clock.advance(10_000_000)
    expect([asked.length, sockets.length]).toEqual([2, 1])
  })

  it('asks again while the server is away, and comes in', async () => {
    const { session, answers, clock } = rig()
    const back = answers(away as () => Promise<never>)
    await session.enter()
    expect(session.access.getState()).toMatchObject({ phase: 'out', problem: 'away' })
    back()
    await clock.advance(1000)
    await settle()
    expect(session.access.getState().phase).toBe('in')
  })
})
