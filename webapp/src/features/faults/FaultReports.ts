import { envelopeUrl, type FaultAbout, faultEnvelope } from './envelope.ts'

export type FaultReportsOptions = {
  dsn: string
  about: FaultAbout
  now(): number
  newId(): string
  /** Names and rooms of this page. */
  known(): readonly string[]
  send(url: string, envelope: string): Promise<{ status: number }>
}

/** A fault that comes with every frame says nothing new the tenth time. */
const mostOfAPage = 10
/** The tracker has had enough. */
const tooMany = 429

/** Tells faults of this page to an error tracker that speaks the protocol of Sentry. */
export class FaultReports {
  readonly #options: FaultReportsOptions
  readonly #url: string
  readonly #told = new Set<string>()

  /** @throws TypeError where the DSN is none */
  constructor(options: FaultReportsOptions) {
    this.#options = options
    this.#url = envelopeUrl(options.dsn)
  }

  /** Each once. Never throws or rejects. */
  async report(fault: unknown): Promise<void> {
    const { about, now, newId, known, send } = this.#options
    const what =
      fault instanceof Error ? `${fault.name} ${fault.message} ${fault.stack}` : 'unknown'
    if (this.#told.has(what) || this.#told.size >= mostOfAPage) return
    this.#told.add(what)
    try {
      const at = { id: newId(), epochMs: now(), known: known() }
      const { status } = await send(this.#url, faultEnvelope(fault, about, at))
      if (status === tooMany) for (let i = 0; i < mostOfAPage; i++) this.#told.add(`${i}`)
    } catch {
      // A tracker that is away must not make faults of its own.
    }
  }
}
