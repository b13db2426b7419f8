import type { Signal } from '@parley/protocol'

type Early = { from: string; signal: Signal }

/** Of more than that the oldest go. A mesh of eight says less than half of it, and an offer is said again. */
const signalsMax = 500

/** Signals of people whom nothing has named yet: their offer may come before the word that they have. */
export class EarlySignals {
  #signals: Early[] = []

  keep(from: string, signal: Signal): void {
    this.#signals.push({ from, signal })
    if (this.#signals.length > signalsMax) this.#signals.shift()
  }

  /** In the order in which they came. @param from left out: of everybody */
  take(from?: string): Early[] {
    const taken = this.#signals.filter((early) => from === undefined || early.from === from)
    this.#signals = this.#signals.filter((early) => !taken.includes(early))
    return taken
  }
}
