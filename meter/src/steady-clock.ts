import { hourMs } from '@parley/relay-cost'

/** A clock that is set by more than this was wrong before, or is wrong now. */
const stepMs = hourMs
/** How long it is to go on evenly before it is believed again. */
const steadyMs = hourMs

/**
 * Whether the clock goes on as time passes. What is deleted or written for good by the date must not be
 * when it was set far ahead or back: for an hour, in which it may be set right. Then it is believed, because
 * it may be the correction that it was set by.
 */
export class SteadyClock {
  readonly #now: () => number
  readonly #elapsed: () => number
  readonly #onStep: (ms: number) => void
  #offset: number
  #heldUntil = Number.NEGATIVE_INFINITY

  /**
   * @param now epoch ms
   * @param elapsed ms that have passed since whenever; nobody sets it
   * @param onStep told once of each step, by how many ms the clock was set
   */
  constructor(now: () => number, elapsed: () => number, onStep: (ms: number) => void) {
    this.#now = now
    this.#elapsed = elapsed
    this.#onStep = onStep
    this.#offset = now() - elapsed()
  }

  /** Looks at the clock; false for an hour after it was set by more than an hour since the last look. */
  isSteady(): boolean {
    const elapsed = this.#elapsed()
    const offset = this.#now() - elapsed
    const step = offset - this.#offset
    this.#offset = offset
    if (Math.abs(step) > stepMs) {
      this.#heldUntil = elapsed + steadyMs
      this.#onStep(step)
    }
    return elapsed >= this.#heldUntil
  }
}
