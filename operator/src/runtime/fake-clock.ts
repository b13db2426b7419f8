import type { Clock } from './clock.ts'

/** A clock for tests: stands still until told to advance, fires timers in order of time. */
export class FakeClock implements Clock {
  #now = 0
  #timers: { at: number; callback: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Moves on by `ms`, letting promises that timers resolved run between timers. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      const next = this.#timers.reduce<{ at: number; callback: () => void } | undefined>(
        (first, timer) => (!first || timer.at < first.at ? timer : first),
        undefined,
      )
      if (!next || next.at > end) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = next.at
      next.callback()
      await settle()
    }
    this.#now = end
  }
}

/** Lets every promise that is already resolvable run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
