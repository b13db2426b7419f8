/** How long to wait before each try. */
export type ReconnectPolicy = {
  /** @param attempt 0 for the first try. @returns milliseconds, or undefined to give up. */
  delayMs(attempt: number): number | undefined
}

export type BackoffOptions = {
  /** Wait before the first try. */
  firstMs: number
  /** Wait before the second, doubling from there. */
  stepMs: number
  /** No wait is longer. */
  maxMs: number
  /** Tries before giving up; Infinity to never. */
  attempts: number
  /** 0 ≤ random() < 1; spreads the clients of a restarted server over ±20 % of each wait. */
  random: () => number
}

export function backoff(options: BackoffOptions): ReconnectPolicy {
  const { firstMs, stepMs, maxMs, attempts, random } = options
  return {
    delayMs(attempt) {
      if (attempt >= attempts) return undefined
      if (attempt === 0) return firstMs
      // 2^30 ms is longer than any wait; beyond, the power would run to Infinity.
      const doubled = stepMs * 2 ** Math.min(attempt - 1, 30)
      return Math.min(maxMs, doubled * (0.8 + 0.4 * random()))
    },
  }
}

/** For a peer connection: at once (REQ-P7), then less and less often; ends after about a minute. */
export const linkPolicy = (random: () => number): ReconnectPolicy =>
  backoff({ firstMs: 0, stepMs: 2000, maxMs: 10_000, attempts: 9, random })

/** For the SFU: at once, and again soon, since it may be another server that answers; then less often. */
export const sfuPolicy = (random: () => number): ReconnectPolicy =>
  backoff({ firstMs: 0, stepMs: 250, maxMs: 10_000, attempts: 12, random })

/** For the socket: three tries (REQ-W1), after which the person is offered to reconnect. */
export const signalingPolicy = (random: () => number): ReconnectPolicy =>
  backoff({ firstMs: 250, stepMs: 1000, maxMs: 4000, attempts: 3, random })
