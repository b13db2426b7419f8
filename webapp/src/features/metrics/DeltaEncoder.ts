import {
  type FullMetrics,
  type MetricField,
  type MetricsDelta,
  metricCounters,
  metricFields,
  qualityLabel,
  type UserMetrics,
} from '@parley/protocol'

/**
 * How far a value may be from what was said of it last, and not be said again: within what REQ-M7 allows, so
 * that a steady call costs few bytes.
 */
const slack: Partial<Record<MetricField, (said: number) => number>> = {
  up: (said) => Math.max(2, said * 0.04),
  down: (said) => Math.max(2, said * 0.04),
  rtt: () => 2,
  min: (said) => Math.max(10, said * 0.25),
  max: (said) => Math.max(10, said * 0.25),
  jitter: (said) => Math.max(5, said * 0.5),
  loss: () => 0.3,
}

/** The same, where one of both is 0. */
const fromNothing: Partial<Record<MetricField, number>> = { jitter: 5, min: 5, max: 5, loss: 0.3 }

/** Says what has changed since the last event, and all of it when the other end has lost count. */
export class DeltaEncoder {
  #n = 0
  #said: UserMetrics | undefined

  /** The next event is a full sample. */
  startOver(): void {
    this.#said = undefined
  }

  encode(now: UserMetrics): FullMetrics | MetricsDelta {
    const said = this.#said
    this.#n++
    if (!said) {
      this.#said = { ...now }
      return { n: this.#n, full: true, ...now }
    }
    const delta: MetricsDelta = { n: this.#n }
    const judged = labelOf(said) !== labelOf(now)
    for (const field of metricFields) {
      const exact = judged && (field === 'rtt' || field === 'loss')
      if (!differs(field, said[field], now[field], exact)) continue
      delta[field] = now[field] as never
      said[field] = now[field] as never
    }
    for (const counter of metricCounters) {
      const grown = Math.max(0, now[counter] - said[counter])
      if (grown > 0) delta[counter] = grown
      said[counter] += grown
    }
    return delta
  }
}

function differs(
  field: MetricField,
  said: number | null,
  now: number | null,
  exact: boolean,
): boolean {
  if (said === now) return false
  if (said === null || now === null || exact) return true
  if (said === 0 || now === 0) return Math.abs(said - now) > (fromNothing[field] ?? 0)
  return Math.abs(said - now) > (slack[field]?.(said) ?? 0)
}

function labelOf({ rtt, loss }: UserMetrics) {
  return qualityLabel({ rttMs: rtt, lossPercent: loss })
}
