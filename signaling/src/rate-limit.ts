import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { SignalingError } from './errors.ts'

export type RateLimit = {
  /** @throws {SignalingError} `rate-limited` when the key has used up its rate and its burst */
  take(key: string): Promise<void>
}

const burstSeconds = 10

/**
 * `perSecond` sustained, and above it a burst of `burst` in ten seconds: who joins a full mesh sends
 * offers and candidates to everyone at once, and losing one of them would cost a connection.
 */
export function rateLimit(perSecond: number, burst: number): RateLimit {
  const limiter = new BurstyRateLimiter(
    new RateLimiterMemory({ keyPrefix: 'steady', points: perSecond, duration: 1 }),
    new RateLimiterMemory({ keyPrefix: 'burst', points: burst, duration: burstSeconds }),
  )
  return {
    async take(key) {
      try {
        await limiter.consume(key)
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        throw new SignalingError(
          'rate-limited',
          `too many messages; try again in ${Math.max(1, refused.msBeforeNext)} ms`,
        )
      }
    },
  }
}
