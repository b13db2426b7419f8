import type { Signal } from '@parley/protocol'

type Early = { from: string; signal: Signal }

/** Signals of people whom nothing has named yet: their offer may come before the word that they have. */
export class EarlySignals {
  #signals: Early[] = []

  keep(from: string, signal: Signal): void {
    this.#signals.push({ from, signal })
  }

  /** In the order in which they came. @param from left out: of everybody */
  take(from?: string): Early[] {
    const taken = this.#signals.filter((early) => from === undefined || early.from === from)
    this.#signals = this.#signals.filter((early) => !taken.includes(early))
    return taken
  }
}
