import type { LinkRecord } from '@parley/protocol'
import { identityText } from '../load.ts'

type Known = { at: number; relayed: boolean }

/** Participants of whom it is known at most; of the others nothing is, as of those whose pages say nothing. */
const participantsMax = 50_000

/**
 * Who holds allocations and uses none of them, by what their pages report. Browsers open some for each call, and keep
 * them to its end for the case that nothing else works: by its allocations alone everybody is on a relay.
 */
export class UnusedRelays {
  readonly #links = new Map<string, Map<number, Known>>()

  /** In whatever order, and how often they come. */
  take(records: readonly LinkRecord[]): void {
    for (const record of records) this.#note(record)
    for (const oldest of this.#links.keys()) {
      if (this.#links.size <= participantsMax) return
      this.#links.delete(oldest)
    }
  }

  /** Something is known of a link of theirs, and no link goes over a relay of this end. @param holder see `holderOf` */
  has(holder: string): boolean {
    const links = [...(this.#links.get(holder)?.values() ?? [])]
    return links.length > 0 && links.every(({ relayed }) => !relayed)
  }

  #note(record: LinkRecord): void {
    const { at, report } = record
    const { link, selected, ended } = report
    if (!selected) return
    const holder = identityText(record)
    const links = this.#links.get(holder) ?? new Map<number, Known>()
    if (at < (links.get(link)?.at ?? 0)) return
    links.set(link, { at, relayed: !ended && selected.local === 'relay' })
    this.#links.set(holder, links)
  }
}
