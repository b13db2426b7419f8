import type { Clock } from '../../clock.ts'

/** A network may be slow, and somebody looks at an empty page. */
const longestMs = 400

/**
 * The time in which a page that joins has nothing better to do than that: until it has said what the first connection
 * needs of it. To draw, or to start what is of use later, would make two ends wait.
 */
export class Haste {
  /** Resolves when it is over. */
  readonly over: Promise<void>
  readonly end: () => void

  constructor(clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.end = resolve
    clock.after(longestMs, resolve)
  }
}
