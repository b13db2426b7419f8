import type { StatsRow } from '../connection/linkStats.ts'

const kept = 3

/**
 * The round trip of a connection by the checks of its candidate pair, of which a browser makes one in 2.5 s. Of the last
 * three the middle one counts: one that a busy processor held up, at either end, says nothing of the way between.
 */
export class RoundTrips {
  #pair: string | undefined
  #answers = 0
  #totalMs = 0
  #last: number[] = []

  /** @param pair as it was read now @returns ms; undefined where it was not checked yet */
  take(pair: StatsRow | undefined): number | undefined {
    const currentMs = milliseconds(pair?.currentRoundTripTime)
    if (!pair || currentMs === undefined) return undefined
    const totalMs = milliseconds(pair.totalRoundTripTime)
    const answers = pair.responsesReceived
    // A browser that does not count them: there is the last one, and no other.
    if (totalMs === undefined || typeof answers !== 'number') return currentMs
    if (pair.id !== this.#pair || answers < this.#answers) this.#last = [currentMs]
    else if (answers > this.#answers)
      this.#last = [...this.#last, (totalMs - this.#totalMs) / (answers - this.#answers)].slice(
        -kept,
      )
    this.#pair = pair.id
    this.#answers = answers
    this.#totalMs = totalMs
    return middle(this.#last)
  }
}

function milliseconds(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined
}

function middle(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}
