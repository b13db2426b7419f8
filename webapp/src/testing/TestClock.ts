import type { Clock } from '../clock.ts'

type Alarm = { at: number; order: number; run: () => void }

/** A clock that stands still until a test moves it. Alarms ring in order of time, then of setting. */
export class TestClock implements Clock {
  #now = 0
  #order = 0
  readonly #alarms = new Set<Alarm>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const alarm: Alarm = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  /** Moves on by `ms`, ringing every alarm that falls due and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#alarms.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
      await settle()
    }
    this.#now = until
  }

  /** Moves on by `ms` at once and only then rings what was due: a page whose timers were held back. */
  async freeze(ms: number): Promise<void> {
    this.#now += ms
    await this.advance(0)
  }

  #next(until: number): Alarm | undefined {
    return [...this.#alarms]
      .filter((alarm) => alarm.at <= until)
      .sort((a, b) => a.at - b.at || a.order - b.order)[0]
  }
}

/** Lets every promise that can settle without time passing do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
