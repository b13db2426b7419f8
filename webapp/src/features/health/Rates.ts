import type { Totals } from '../connection/linkStats.ts'

export type Rate = { sentKbps: number | undefined; receivedKbps: number | undefined }

/** Bitrates of connections between one reading of their counters and the next. */
export class Rates {
  #before = new Map<string, { atMs: number; traffic: Totals }>()

  /** @param traffic of each connection, by participant, read at `atMs` of a clock that never goes back */
  next(atMs: number, traffic: ReadonlyMap<string, Totals>): ReadonlyMap<string, Rate> {
    const rates = new Map<string, Rate>()
    for (const [id, now] of traffic) {
      const before = this.#before.get(id)
      const ms = before ? atMs - before.atMs : 0
      // Counters that fell are those of another connection.
      const kbps = (was: number | undefined, is: number) =>
        was === undefined || ms <= 0 || is < was ? undefined : ((is - was) * 8) / ms
      rates.set(id, {
        sentKbps: kbps(before?.traffic.bytesSent, now.bytesSent),
        receivedKbps: kbps(before?.traffic.bytesReceived, now.bytesReceived),
      })
    }
    this.#before = new Map([...traffic].map(([id, now]) => [id, { atMs, traffic: now }]))
    return rates
  }
}
