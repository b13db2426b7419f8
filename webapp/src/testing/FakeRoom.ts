import type { RoomSnapshot } from '@parley/protocol'
import type { RoomFollower } from '../features/call/RoomFollower.ts'
import {
  type Ask,
  SignalingError,
  type SignalingErrorCode,
} from '../features/connection/Signaling.ts'
import { settle } from './TestClock.ts'

type Asked = {
  event: string
  message: unknown
  answer(data: unknown): Promise<void>
  refuse(code: SignalingErrorCode): Promise<void>
}

/** A room as those see it who follow it: what they ask is answered by the test. */
export class FakeRoom {
  readonly asked: Asked[] = []
  readonly #follower: RoomFollower

  constructor(follower: RoomFollower) {
    this.#follower = follower
  }

  /** What was asked last of that kind. */
  last(event: string): Asked {
    const found = this.asked.findLast((one) => one.event === event)
    if (!found) throw new Error(`nobody asked ${event}`)
    return found
  }

  async enter(more: Partial<RoomSnapshot> = {}): Promise<void> {
    const ask: Ask = (event, message) =>
      new Promise((resolve, reject) => {
        this.asked.push({
          event,
          message,
          answer: (data) => {
            resolve(data as never)
            return settle()
          },
          refuse: (code) => {
            reject(new SignalingError(code, 'refused'))
            return settle()
          },
        })
      })
    const self = 'p-self'
    const media = { audio: true, video: true }
    this.#follower.entered(
      {
        self,
        room: 'room',
        participants: [{ id: self, name: 'Self', media, joinedAt: 0, role: 'guest' }],
        iceServers: [{ urls: ['turn:192.0.2.1'] }],
        maxParticipants: 8,
        media: { mode: 'mesh' },
        locked: false,
        lobby: [],
        resume: 'token',
        ...more,
      },
      ask,
    )
    await settle()
  }

  /** The socket goes; questions that are open are answered by nobody, or late. */
  away(): void {
    this.#follower.away()
  }
}

/** A slice of state by itself. */
export function testCell<T>(initial: T): { get(): T; set(patch: Partial<T>): void } {
  let state = initial
  return {
    get: () => state,
    set: (patch) => {
      state = { ...state, ...patch }
    },
  }
}
