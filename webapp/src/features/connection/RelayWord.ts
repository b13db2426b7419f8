import { type StatsRow, selectedPair, statsRows } from './linkStats.ts'

const relay = 'relay'
const noRelay = 'no-relay'

type Rows = [string, unknown][]

/**
 * What each end of a link tells the other: whether it uses a relay of its own, which only it knows for sure. Candidates
 * are said once; one whose word was lost is found by its checks all the same, as `prflx`, and nobody can see whether a
 * relay is behind that.
 */
export class RelayWord {
  readonly #say: (word: string) => void
  #theirs: boolean | undefined

  /** @param say over the link itself; may be lost, as it is said again with each reading */
  constructor(say: (word: string) => void) {
    this.#say = say
  }

  /** Takes what the channel brought, whatever it is. */
  receive(message: string): void {
    if (message === relay || message === noRelay) this.#theirs = message === relay
  }

  /**
   * Tells the other end what this reading says of this end.
   * @param rows of getStats()
   * @returns them, with what the other end said of its own, where the browser does not know it
   */
  read(rows: Rows): Rows {
    const all = statsRows(rows)
    const pair = selectedPair(all)
    const typeOf = (id: unknown) => all.find((row) => row.id === id)?.candidateType
    const own = pair && typeOf(pair.localCandidateId)
    if (own !== undefined) this.#say(own === 'relay' ? relay : noRelay)
    const remoteId = pair?.remoteCandidateId
    if (!this.#theirs || typeOf(remoteId) !== 'prflx') return rows
    return rows.map(([id, row]) =>
      id === remoteId ? [id, { ...(row as StatsRow), candidateType: 'relay' }] : [id, row],
    )
  }
}
