import type { Clock } from '../../clock.ts'

/** A network may be slow, and somebody looks at an empty page. Over the SFU there are more steps to take. */
const longestMs = { mesh: 400, sfu: 1000 }

/**
 * The time in which a page that joins has nothing better to do than that: until it has said what the first connection
 * needs of it. To draw, or to start what is of use later, would make two ends wait.
 */
export class Haste {
  /** Resolves when it is over. */
  readonly over: Promise<void>
  readonly end: () => void
  readonly #clock: Clock
  readonly #begunAt: number
  #cancel: () => void

  constructor(clock: Clock) {
    let end = () => {}
    // Not `Promise.withResolvers`: this comes with the code of every room, and browsers of 2023 hold calls, too.
    this.over = new Promise((resolve) => {
      end = resolve
    })
    this.end = end
    this.#clock = clock
    this.#begunAt = clock.now()
    this.#cancel = clock.after(longestMs.mesh, end)
  }

  /** The room is on the SFU. */
  overSfu(): void {
    const spentMs = this.#clock.now() - this.#begunAt
    this.#cancel()
    this.#cancel = this.#clock.after(Math.max(0, longestMs.sfu - spentMs), this.end)
  }
}
