import type { Clock } from '../../clock.ts'

/** Somebody looks at an empty page, and then at pictures that have not come. Over the SFU there are more steps to take. */
const longestMs = { empty: 600, mesh: 1000, sfu: 1500 }

/**
 * The time in which a page that joins has nothing better to do than that: until the first picture is there, or, where
 * none is to come, until it has said what the first connection needs of it. To run what draws the page, or to start what is
 * of use later, would make two ends wait.
 */
export class Haste {
  /** Resolves when it is over. */
  readonly over: Promise<void>
  readonly end: () => void
  readonly #clock: Clock
  readonly #begunAt: number
  #cancel: () => void
  #pictureDue = false
  #entered = false
  #answered = false

  constructor(clock: Clock) {
    let end = () => {}
    // Not `Promise.withResolvers`: this comes with the code of every room, and browsers of 2023 hold calls, too.
    this.over = new Promise((resolve) => {
      end = resolve
    })
    this.end = end
    this.#clock = clock
    this.#begunAt = clock.now()
    this.#cancel = clock.after(longestMs.empty, end)
  }

  /** Somebody is there, and will be seen. */
  pictureDue(way: 'mesh' | 'sfu'): void {
    if (this.#pictureDue) return
    this.#pictureDue = true
    this.takes(way)
  }

  /** By what way it is, where that is known before anybody is. */
  takes(way: 'mesh' | 'sfu'): void {
    const spentMs = this.#clock.now() - this.#begunAt
    this.#cancel()
    this.#cancel = this.#clock.after(Math.max(0, longestMs[way] - spentMs), this.end)
  }

  /** The first connection has what it needs. */
  answered(): void {
    this.#answered = true
    this.#endUnlessDue()
  }

  /** Who is there is known, which may be later than that. */
  entered(): void {
    this.#entered = true
    this.#endUnlessDue()
  }

  #endUnlessDue(): void {
    if (this.#answered && this.#entered && !this.#pictureDue) this.end()
  }
}
