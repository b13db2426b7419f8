import type { Clock } from '../../clock.ts'

/** No more than so many sounds within any window of this length (REQ-P19). */
const soundsMax = 3
const windowMs = 2000

/** The short sounds when somebody comes or goes: few, also when a whole class comes at once. */
export class JoinSounds {
  readonly #clock: Clock
  readonly #play: (kind: 'joined' | 'left') => void
  readonly #enabled: () => boolean
  /** When the last sounds were played, oldest first. */
  #playedAt: number[] = []

  constructor(clock: Clock, play: (kind: 'joined' | 'left') => void, enabled: () => boolean) {
    this.#clock = clock
    this.#play = play
    this.#enabled = enabled
  }

  /** @returns whether it was played */
  announce(kind: 'joined' | 'left'): boolean {
    if (!this.#enabled()) return false
    const now = this.#clock.now()
    this.#playedAt = this.#playedAt.filter((at) => now - at <= windowMs)
    if (this.#playedAt.length >= soundsMax) return false
    this.#playedAt.push(now)
    this.#play(kind)
    return true
  }
}
