/** What happened in a call, without anything that names somebody or says where they are. */
export type HealthEvent = {
  /** Epoch ms, by this page's clock. */
  at: number
  what: string
}

const eventsMax = 80

/** The latest events of a call, oldest first. */
export class HealthLog {
  readonly #epochMs: () => number
  readonly #events: HealthEvent[] = []
  readonly #numbers = new Map<string, number>()

  constructor(epochMs: () => number) {
    this.#epochMs = epochMs
  }

  note(what: string): void {
    this.#events.push({ at: this.#epochMs(), what })
    if (this.#events.length > eventsMax) this.#events.shift()
  }

  /** Somebody, by the order in which they came: the same number for as long as the page lives. */
  person(id: string): number {
    const number = this.#numbers.get(id) ?? this.#numbers.size + 1
    this.#numbers.set(id, number)
    return number
  }

  get events(): readonly HealthEvent[] {
    return this.#events
  }
}
