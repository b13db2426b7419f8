import type { StatsRow } from '../connection/linkStats.ts'

/**
 * When the last packet of each track arrived, by the page's clock, as far as the browser's reports say: what is played is
 * later by what the jitter buffer holds.
 */
export class LastArrived {
  readonly #known = new Map<string, { stamp: number; at: number }>()

  /** @param at when the report was there @returns by track id */
  read(rows: Iterable<[string, unknown]>, at: number): ReadonlyMap<string, number> {
    for (const [, value] of rows) {
      const { type, trackIdentifier: track, timestamp, ...row } = value as StatsRow
      const stamp = row.lastPacketReceivedTimestamp
      if (type !== 'inbound-rtp' || typeof track !== 'string' || typeof timestamp !== 'number')
        continue
      if (typeof stamp !== 'number') continue
      const known = this.#known.get(track)
      const arrivedAt = at - (timestamp - stamp)
      // A report may be one of a moment ago: of the same packet, the earliest is the nearest.
      const earliest = known?.stamp === stamp ? Math.min(known.at, arrivedAt) : arrivedAt
      this.#known.set(track, { stamp, at: earliest })
    }
    return new Map([...this.#known].map(([track, known]) => [track, known.at]))
  }
}
