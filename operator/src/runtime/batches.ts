/**
 * What comes in batches while somebody works on those before. A stream would wake its reader for each piece that comes
 * over the wire, also for the many with nothing new in them.
 */
export class Batches<T> {
  #waiting: T[][] = []
  #news = Promise.withResolvers<void>()

  add(batch: T[]): void {
    if (batch.length === 0) return
    this.#waiting.push(batch)
    this.#news.resolve()
  }

  /** All batches, in order, until `end` has settled either way and none is left. */
  async *until(end: Promise<unknown>): AsyncGenerator<T[]> {
    let isOver = false
    const over = () => {
      isOver = true
      this.#news.resolve()
    }
    end.then(over, over)
    for (;;) {
      await this.#news.promise
      // Whatever comes from now on is news again.
      this.#news = Promise.withResolvers()
      const batches = this.#waiting
      this.#waiting = []
      const isLast = isOver
      yield* batches
      if (isLast) return
    }
  }
}
