import type { Redis } from 'ioredis'
import {
  BurstyRateLimiter,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible'
import { SignalingError } from './errors.ts'

export type RateLimit = {
  /** @throws {SignalingError} `rate-limited` when the key has used up its rate and its burst */
  take(key: string): Promise<void>
}

const burstSeconds = 10

/**
 * `perSecond` sustained, and above it a burst of `burst` in ten seconds: who joins a full mesh sends
 * offers and candidates to everyone at once, and losing one of them would cost a connection.
 *
 * @param shared counts for all replicas together, under this prefix; while Redis is away each counts for itself
 */
export function rateLimit(
  perSecond: number,
  burst: number,
  shared?: { redis: Redis; prefix: string },
): RateLimit {
  const counter = (keyPrefix: string, points: number, duration: number) => {
    const own = new RateLimiterMemory({ keyPrefix, points, duration })
    if (!shared) return own
    return new RateLimiterRedis({
      storeClient: shared.redis,
      rejectIfRedisNotReady: true,
      insuranceLimiter: own,
      keyPrefix: `${shared.prefix}:${keyPrefix}`,
      points,
      duration,
    })
  }
  const limiter = new BurstyRateLimiter(
    counter('steady', perSecond, 1),
    counter('burst', burst, burstSeconds),
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
