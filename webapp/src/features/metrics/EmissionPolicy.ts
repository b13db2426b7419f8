import { type QualityLabel, qualityLabel } from '@parley/protocol'
import type { UserReading } from './userMetrics.ts'

export type EmissionReason = 'first' | 'quality' | 'relay' | 'bandwidth' | 'time'

/** More than that at once, and less than one in 8.6 s on average, makes nine in any minute. */
const burst = 2
const perMs = 7 / 60_000
/** A change by so few kbit/s is none, whatever part of the whole it is. */
const leastKbps = 64
/** Browsers try for a moment whether there is room for more. What lasts longer is a change. */
const lastingMs = 3000
/** A round trip within this part of the one that was said is the same one. */
const tripMargin = 0.1
/** So many standard errors from the loss that was said, it is not by chance. */
const lossMargin = 3

/**
 * When a page says how it is (REQ-M5): at first; when its label is another for certain; when relaying begins or ends; when its
 * bandwidth is another by more than a half, and stays so for a moment; and every so often. What changes less is in
 * the next event. Never ten times in a minute: what comes too fast is said a little later, as it is then.
 */
export class EmissionPolicy {
  readonly #emitMs: number
  #tokens = burst
  #refilledAt: number | undefined
  /** Since when each reading has had another bandwidth. */
  #otherSince: number | undefined
  #said: { atMs: number; reading: UserReading } | undefined

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
    this.#otherSince = this.#isOtherBandwidth(now) ? (this.#otherSince ?? atMs) : undefined
    const reason = this.#reason(now, atMs)
    if (reason === undefined || this.#tokens < 1) return undefined
    this.#tokens--
    this.#said = { atMs, reading: now }
    this.#otherSince = undefined
    return reason
  }

  #reason(now: UserReading, atMs: number): EmissionReason | undefined {
    if (!this.#said) return 'first'
    const { reading: said, atMs: saidAt } = this.#said
    if (now.relayed > 0 !== said.relayed > 0) return 'relay'
    if (isOtherLabel(said, now)) return 'quality'
    if (this.#otherSince !== undefined && atMs - this.#otherSince >= lastingMs) return 'bandwidth'
    return atMs - saidAt >= this.#emitMs ? 'time' : undefined
  }

  #isOtherBandwidth(now: UserReading): boolean {
    if (!this.#said) return false
    const said = kbpsOf(this.#said.reading)
    const change = Math.abs(kbpsOf(now) - said)
    return change > said / 2 && change >= leastKbps
  }

  #refill(atMs: number): void {
    const passed = atMs - (this.#refilledAt ?? atMs)
    this.#refilledAt = atMs
    this.#tokens = Math.min(burst, this.#tokens + passed * perMs)
  }
}

function kbpsOf({ up, down }: UserReading): number {
  return up + down
}

/**
 * By what has changed for certain: of 2 % that are lost, 1 or 3 % are counted now and then, by chance alone, and on the border of
 * two labels each such reading would be a change.
 */
function isOtherLabel(said: UserReading, now: UserReading): boolean {
  const rtt = isSameTrip(said.rtt, now.rtt) ? said.rtt : now.rtt
  const loss = isSameLoss(said, now) ? said.loss : now.loss
  return labelOf({ rtt, loss }) !== labelOf(said)
}

function labelOf({ rtt, loss }: Pick<UserReading, 'rtt' | 'loss'>): QualityLabel {
  return qualityLabel({ rttMs: rtt, lossPercent: loss })
}

function isSameTrip(said: number | null, now: number | null): boolean {
  return said !== null && now !== null && Math.abs(now - said) <= said * tripMargin
}

/** Both may have been counted of packets of which the same part is lost (a test of two proportions). */
function isSameLoss(said: UserReading, now: UserReading): boolean {
  if (said.loss === null || now.loss === null) return false
  const all = (said.loss * said.due + now.loss * now.due) / (said.due + now.due) / 100
  const error = Math.sqrt(all * (1 - all) * (1 / said.due + 1 / now.due)) * 100
  return Math.abs(now.loss - said.loss) <= lossMargin * error
}
