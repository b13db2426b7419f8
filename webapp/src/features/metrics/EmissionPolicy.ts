import { type QualityLabel, qualityLabel, qualityLabels } from '@parley/protocol'
import type { UserReading } from './userMetrics.ts'

export type EmissionReason = 'first' | 'quality' | 'relay' | 'bandwidth' | 'time'

/** More than that at once, and less than one in 8.6 s on average, makes nine in any minute. */
const burst = 2
const perMs = 7 / 60_000
/** A change by so few kbit/s is none, whatever part of the whole it is. */
const leastKbps = 64
/** As long as what a label is of: on the border of two, where it goes to and fro, the worse one counts. */
const betterMs = 5000

/**
 * When a page says how it is (REQ-M5): at first, when its label changes (a better one once it has lasted), when relaying
 * begins or ends, when its bandwidth is another by more than a half, and every so often. Never ten times in a minute: what comes too fast
 * is said a little later, as it is then.
 */
export class EmissionPolicy {
  readonly #emitMs: number
  #tokens = burst
  #refilledAt: number | undefined
  /** Since when the label is a better one than was said. */
  #betterSince: number | undefined
  #said: { atMs: number; label: QualityLabel; relayed: boolean; kbps: number } | undefined

  /** @param emitMs after so long without a change it is said all the same */
  constructor(emitMs: number) {
    this.#emitMs = emitMs
  }

  /** The next event is a first one: nobody knows what was said before. */
  startOver(): void {
    this.#said = undefined
  }

  /** Asked for each reading. @returns why it is to be said now, which counts as said; undefined: not now */
  decide(now: UserReading, atMs: number): EmissionReason | undefined {
    this.#refill(atMs)
    this.#followLabel(now, atMs)
    const reason = this.#reason(now, atMs)
    if (reason === undefined || this.#tokens < 1) return undefined
    this.#tokens--
    this.#said = { atMs, ...facts(now) }
    this.#betterSince = undefined
    return reason
  }

  #reason(now: UserReading, atMs: number): EmissionReason | undefined {
    const said = this.#said
    if (!said) return 'first'
    const { label, relayed, kbps } = facts(now)
    if (relayed !== said.relayed) return 'relay'
    if (label !== said.label && !this.#isJustBetter(atMs)) return 'quality'
    const change = Math.abs(kbps - said.kbps)
    if (change > said.kbps / 2 && change >= leastKbps) return 'bandwidth'
    return atMs - said.atMs >= this.#emitMs ? 'time' : undefined
  }

  #followLabel(now: UserReading, atMs: number): void {
    const isBetter = this.#said !== undefined && isBetterThan(facts(now).label, this.#said.label)
    this.#betterSince = isBetter ? (this.#betterSince ?? atMs) : undefined
  }

  #isJustBetter(atMs: number): boolean {
    return this.#betterSince !== undefined && atMs - this.#betterSince < betterMs
  }

  #refill(atMs: number): void {
    const passed = atMs - (this.#refilledAt ?? atMs)
    this.#refilledAt = atMs
    this.#tokens = Math.min(burst, this.#tokens + passed * perMs)
  }
}

/** What is not known is neither better nor worse. */
function isBetterThan(label: QualityLabel, said: QualityLabel): boolean {
  if (label === 'unknown' || said === 'unknown') return false
  return qualityLabels.indexOf(label) < qualityLabels.indexOf(said)
}

function facts(now: UserReading) {
  const label = qualityLabel({ rttMs: now.rtt, lossPercent: now.loss })
  return { label, relayed: now.relayed > 0, kbps: now.up + now.down }
}
