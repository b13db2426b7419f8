import { type LinkReport, linksMax } from '@parley/protocol'
import { type IceError, LinkKnowledge } from './linkFacts.ts'

type LinkReading = {
  /** Whatever stands for the link: the same for each reading of it. */
  key: object
  /** Null: the SFU. */
  peer: string | null
  policy: 'all' | 'relay'
  /** Of getStats(). */
  report: Iterable<[string, unknown]>
  errors: readonly IceError[] | undefined
}

type Known = {
  link: number
  peer: string | null
  since: number
  knowledge: LinkKnowledge
  /** What was reported last; what a report does not need to be sent again for is left out. */
  sent: string | undefined
  sending: boolean
}

/** A link that is not connected after so long is reported as it is. */
const patienceMs = 15_000

/**
 * Tells the server of each link what is known of why it is relayed: once when it is connected, or
 * fails to be, and again when something more is known. Nobody's call waits for it.
 */
export class LinkReporter {
  readonly #now: () => number
  readonly #send: (report: LinkReport) => Promise<void>
  readonly #links = new Map<object, Known>()
  #count = 0

  /**
   * @param now milliseconds since any fixed moment
   * @param send rejects where the server could not be told; it is then tried again
   */
  constructor(now: () => number, send: (report: LinkReport) => Promise<void>) {
    this.#now = now
    this.#send = send
  }

  read({ key, peer, policy, report, errors }: LinkReading): void {
    const known = this.#links.get(key) ?? this.#begin(key, peer, policy)
    if (!known) return
    known.knowledge.read(report, errors)
    const late = this.#now() - known.since >= patienceMs
    if (known.knowledge.facts.selected || late) this.#tell(known, false)
  }

  /** The link is over. */
  ended(key: object): void {
    const known = this.#links.get(key)
    this.#links.delete(key)
    if (known?.sent !== undefined) this.#tell(known, true)
  }

  /** All of it is over, and who is gone has nothing to tell. */
  reset(): void {
    this.#links.clear()
    this.#count = 0
  }

  #begin(key: object, peer: string | null, policy: 'all' | 'relay'): Known | undefined {
    if (this.#count >= linksMax) return undefined
    const known: Known = {
      link: this.#count++,
      peer,
      since: this.#now(),
      knowledge: new LinkKnowledge(policy),
      sent: undefined,
      sending: false,
    }
    this.#links.set(key, known)
    return known
  }

  #tell(known: Known, ended: boolean): void {
    const { link, peer, since, knowledge } = known
    const { failedPairs, ...facts } = knowledge.facts
    const news = JSON.stringify([facts, ended])
    if (known.sent === news || (known.sending && !ended)) return
    const before = known.sent
    known.sent = news
    known.sending = true
    const ageMs = Math.min(7 * 86_400_000, Math.max(0, Math.round(this.#now() - since)))
    this.#send({ link, ageMs, peer, ...facts, failedPairs, ended })
      .catch(() => {
        known.sent = before
      })
      .finally(() => {
        known.sending = false
      })
  }
}
