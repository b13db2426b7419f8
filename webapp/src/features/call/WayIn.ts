import type { MediaState, RoomSnapshot } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { ConnectionNotes } from '../connection/ConnectionNotes.ts'
import type { ReconnectPolicy } from '../connection/ReconnectPolicy.ts'
import { isAtTheDoor, isOffline, isUnavailable } from '../connection/refusals.ts'
import type { Signaling } from '../connection/Signaling.ts'
import type { HeldEvents } from './HeldEvents.ts'

export type WayInOptions = {
  clock: Clock
  policy: ReconnectPolicy
  notes: ConnectionNotes
  told: HeldEvents
}

/** Between tries to get in, while the server has no store for its rooms, or no relay yet. */
const unavailableMs = 1500

/**
 * What is asked of a server on the way into a room. Each question has a `current`, which is false as soon as something
 * else has taken its place: its answer is of no interest then, and it is asked no more.
 */
export class WayIn {
  /** That the answer to the last join took. */
  answerMs = 0
  readonly #options: WayInOptions

  constructor(options: WayInOptions) {
    this.#options = options
  }

  /** What is not to be had of the server now is asked for until it is, with a note that says so (REQ-W1). */
  async patiently<T>(current: () => boolean, ask: () => Promise<T>): Promise<T> {
    const { notes } = this.#options
    for (;;)
      try {
        const answer = await ask()
        if (current()) notes.hide('service-away')
        return answer
      } catch (error) {
        if (!isUnavailable(error) || !current()) throw error
        notes.show('service-away')
        await this.#wait(unavailableMs)
        if (!current()) throw error
      }
  }

  /** A server that is about to stop takes nobody new; the next try reaches another one. */
  async connect(signaling: Signaling, current: () => boolean, attempt = 0): Promise<void> {
    try {
      await signaling.connect()
    } catch (error) {
      const delayMs = this.#options.policy.delayMs(attempt)
      if (!isOffline(error) || delayMs === undefined) throw error
      await this.#wait(delayMs)
      if (current()) await this.connect(signaling, current, attempt + 1)
    }
  }

  /**
   * What the server tells meanwhile is of after its answer, and is held until that was taken.
   * @returns the room; undefined: a host has to let this one in
   */
  async seat(
    signaling: Signaling,
    media: MediaState,
    current: () => boolean,
  ): Promise<RoomSnapshot | undefined> {
    const { clock, told } = this.#options
    const askedAt = clock.now()
    told.hold()
    try {
      const snapshot = await signaling.join(media)
      if (current()) this.answerMs = clock.now() - askedAt
      return snapshot
    } catch (error) {
      // Not what another try, which has begun since, is told.
      if (current()) told.drop()
      if (isAtTheDoor(error)) return undefined
      throw error
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(ms, resolve))
  }
}
