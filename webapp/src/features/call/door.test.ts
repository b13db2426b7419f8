import { describe, expect, it } from '@jest/globals'
import { testCell } from '../../testing/FakeRoom.ts'
import { FakeServer } from '../../testing/FakeServer.ts'
import { settle, TestClock } from '../../testing/TestClock.ts'
import { signalingPolicy } from '../connection/ReconnectPolicy.ts'
import { CallSession } from './CallSession.ts'
import { type CallState, initialCall } from './callState.ts'
import type { RoomFollower } from './RoomFollower.ts'

function begin() {
  const clock = new TestClock()
  const server = new FakeServer()
  const call = testCell<CallState>(initialCall)
  const followed: string[] = []
  const errors: unknown[] = []
  const follower: RoomFollower = {
    entered: ({ self }) => void followed.push(`entered as ${self}`),
    away: () => void followed.push('away'),
    heard: ({ name }) => void followed.push(name),
    left: () => void followed.push('left'),
  }
  const none = () => {
    throw new Error('nobody else is in this room')
  }
  const session = new CallSession({
    call,
    clock,
    epochMs: () => clock.now(),
    policy: signalingPolicy(() => 0.5),
    requestJoin: server.requestJoin,
    openSignaling: server.open,
    createLink: none,
    prepareSfu() {},
    openSfu: none,
    local: () => ({
      tracks: { audio: null, video: null },
      media: { audio: true, video: true },
    }),
    followers: [follower],
    onError: (error) => errors.push(error),
  })
  const join = async () => {
    await session.join({ room: 'room', name: 'Self', relayForced: false })
    await settle()
  }
  const knocks = () => server.asked.filter(({ event }) => event === 'lobby:knock').length
  return { clock, server, call, session, followed, follower, errors, join, knocks }
}

describe('before the door', () => {
  it('is in where the door was opened before the answer to the first knock', async () => {
    const { server, call, join } = begin()
    server.door = 'waiting'
    let answerKnock = () => {}
    server.knock = new Promise((resolve) => {
      answerKnock = () => resolve()
    })
    const joined = join()
    await settle()
    expect(call.get().phase).toBe('joining')
    server.door = undefined
    server.events.onAdmitted()
    await settle()
    answerKnock()
    await joined
    expect(call.get()).toMatchObject({ phase: 'joined', selfId: 'p-self', signaling: 'up' })
  })

  it('let in before the answer to the knock, stays in when that comes', async () => {
    const { clock, server, call, join } = begin()
    server.door = 'waiting'
    await join()
    server.drop()
    server.up = true
    let answerKnock = () => {}
    server.knock = new Promise((resolve) => {
      answerKnock = () => resolve()
    })
    await clock.advance(1000)
    server.door = undefined
    server.events.onAdmitted()
    await settle()
    expect(call.get().phase).toBe('joined')
    answerKnock()
    await settle()
    expect(call.get()).toMatchObject({ phase: 'joined', signaling: 'up' })
  })

  it('let in while the server is too busy to do it, tries again', async () => {
    const { clock, server, call, join } = begin()
    server.door = 'waiting'
    await join()
    server.door = undefined
    server.joinRefusals = 2
    server.events.onAdmitted()
    await clock.advance(10_000)
    expect(call.get()).toMatchObject({ phase: 'joined', signaling: 'up' })
  })

  it('of what was told while it was let in, what fails costs nothing of the rest, and no other follower', async () => {
    const { server, call, follower, followed, errors, join } = begin()
    const heard = follower.heard
    follower.heard = (event) => {
      heard(event)
      if (event.name === 'participant:left') throw new Error('a mistake')
    }
    server.beforeAnswer = () => {
      for (const name of ['participant:left', 'room:locked', 'participant:left'] as const)
        server.events.onEvent({ name, message: {} } as never)
      server.events.onMoved({ mode: 'mesh', reason: 'sfu-away' })
    }
    await join()
    server.events.onEvent({ name: 'participant:left', message: {} } as never)
    expect(followed).toEqual([
      'away',
      'entered as p-self',
      'participant:left',
      'room:locked',
      'participant:left',
      'participant:left',
    ])
    expect(call.get().notes).toEqual(['sfu-away'])
    expect(errors).toHaveLength(3)
  })

  it.each(['waiting', 'locked'] as const)(
    '%s: knocks, waits, and is in when let in',
    async (door) => {
      const { server, call, join, knocks, followed } = begin()
      server.door = door
      await join()
      expect(call.get().phase).toBe('waiting')
      expect(knocks()).toBe(1)
      server.door = undefined
      server.events.onAdmitted()
      await settle()
      expect(call.get()).toMatchObject({ phase: 'joined', selfId: 'p-self', signaling: 'up' })
      expect(followed).toEqual(['away', 'entered as p-self'])
    },
  )

  it('a host may let in and the room fill up meanwhile: it waits once more', async () => {
    const { server, call, join, knocks } = begin()
    server.door = 'waiting'
    await join()
    server.events.onAdmitted()
    await settle()
    expect(call.get().phase).toBe('waiting')
    expect(knocks()).toBe(2)
  })

  it('knocks again after the server was away', async () => {
    const { clock, server, call, join, knocks } = begin()
    server.door = 'waiting'
    await join()
    server.drop()
    expect(call.get()).toMatchObject({ phase: 'waiting', signaling: 'reconnecting' })
    server.up = true
    await clock.advance(5000)
    expect(call.get()).toMatchObject({ phase: 'waiting', signaling: 'up' })
    expect(knocks()).toBe(2)
  })

  it('is told when a host does not let in', async () => {
    const { server, call, join } = begin()
    server.door = 'waiting'
    await join()
    server.events.onTurnedAway('denied')
    expect(call.get()).toMatchObject({ phase: 'failed', error: 'denied' })
  })

  it('does not wait any longer when the person leaves', async () => {
    const { server, call, session, join } = begin()
    server.door = 'waiting'
    await join()
    session.leave()
    expect(call.get().phase).toBe('left')
    expect(server.told.at(-1)).toEqual({ what: 'leave' })
  })
})

describe('what a host does to one', () => {
  it.each(['removed', 'ended'] as const)(
    '%s: the call is over, and is not begun again',
    async (code) => {
      const { clock, server, call, join, followed } = begin()
      await join()
      server.events.onTurnedAway(code)
      await clock.advance(60_000)
      expect(call.get()).toMatchObject({ phase: 'failed', error: code })
      expect(followed.at(-1)).toBe('left')
      expect(server.told.filter(({ what }) => what === 'connect')).toHaveLength(1)
    },
  )

  it('whoever was removed while the socket was lost does not try for ever', async () => {
    const { clock, server, call, join } = begin()
    await join()
    server.drop()
    server.up = true
    server.door = 'removed'
    await clock.advance(60_000)
    expect(call.get()).toMatchObject({ phase: 'failed', error: 'removed' })
  })
})

describe('who follows the room', () => {
  it('is told of every return, of what is heard, and of leaving by hand alone', async () => {
    const { clock, server, session, followed, join } = begin()
    await join()
    server.events.onEvent({ name: 'room:locked', message: { locked: true } })
    server.drop()
    server.up = true
    await clock.advance(5000)
    session.leave()
    expect(followed).toEqual([
      'away',
      'entered as p-self',
      'room:locked',
      'away',
      'entered as p-self',
      'away',
      'left',
    ])
  })
})
