/**
 * What is told of a room, in order: while the room itself is being asked for, its events are kept, as the answer is of
 * before them. One that fails costs none of the others.
 */
export class HeldEvents {
  readonly #onError: (error: unknown) => void
  #held: (() => void)[] | undefined

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** From now on; what was kept for an earlier answer is in this one. */
  hold(): void {
    this.#held = []
  }

  /** Now, or after the answer. */
  take(event: () => void): void {
    if (this.#held) this.#held.push(event)
    else this.run(event)
  }

  /** The answer was taken. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const event of held) this.run(event)
  }

  /** There is no answer, and no room. */
  drop(): void {
    this.#held = undefined
  }

  /** At once, whatever is kept; what it throws is told of, and goes no further. */
  run(event: () => void): void {
    try {
      event()
    } catch (error) {
      this.#onError(error)
    }
  }
}
