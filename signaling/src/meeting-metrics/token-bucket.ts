/** A rate limit of one socket: synchronous, since it is asked for each event. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #at: number

  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /** @returns whether one more is allowed */
  take(now: number): boolean {
    const grown = this.#tokens + Math.max(0, now - this.#at) * this.#perMs
    this.#tokens = Math.min(this.#burst, grown)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
