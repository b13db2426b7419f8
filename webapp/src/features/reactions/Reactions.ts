import type { Reaction, RoomSnapshot } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import type { RoomFollower } from '../call/RoomFollower.ts'
import type { Ask, RoomEvent } from '../connection/Signaling.ts'
import { initialReactions, type ReactionState } from './reactionState.ts'

export type ReactionOptions = {
  reactions: Cell<ReactionState>
  clock: Clock
  /** 0 ≤ random() < 1 */
  random(): number
}

/** How long one is on screen. */
export const floatMs = 4000
/** A room of hundreds that applauds shall not slow down anybody's page. */
export const floatsMax = 40
/** Of one's own: more a second are not sent, as the server would refuse them. */
const ownInMs = 1000
const ownMax = 3

/** What people feel, for a moment on everybody's screen. Nothing is kept of it. */
export class Reactions implements RoomFollower {
  readonly #options: ReactionOptions
  #ask: Ask | undefined
  #self = ''
  #key = 0
  #own: number[] = []

  constructor(options: ReactionOptions) {
    this.#options = options
  }

  /** @returns false where it came too fast, or there is no way to the others */
  react(reaction: Reaction): boolean {
    const now = this.#options.clock.now()
    this.#own = this.#own.filter((at) => now - at < ownInMs)
    if (!this.#ask || this.#own.length >= ownMax) return false
    this.#own.push(now)
    // Lost on the way it is of no use a second later.
    this.#ask('reaction:send', { reaction }).catch(() => {})
    this.#float(this.#self, reaction)
    return true
  }

  entered({ self }: RoomSnapshot, ask: Ask): void {
    this.#self = self
    this.#ask = ask
  }

  away(): void {
    this.#ask = undefined
  }

  left(): void {
    this.away()
    this.#options.reactions.set(initialReactions)
  }

  heard(event: RoomEvent): void {
    if (event.name === 'reaction') this.#float(event.message.id, event.message.reaction)
  }

  #float(from: string, reaction: Reaction): void {
    const { reactions, clock, random } = this.#options
    const float = { key: ++this.#key, from, reaction, at: random() }
    reactions.set({ floats: [...reactions.get().floats, float].slice(-floatsMax) })
    clock.after(floatMs, () =>
      reactions.set({ floats: reactions.get().floats.filter(({ key }) => key !== float.key) }),
    )
  }
}
