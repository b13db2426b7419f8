import type { SendLimit } from './link.ts'

/** What a level takes away: the picture's sides are divided by `scale`. */
export type QualityLevel = { scale: number; maxFramerate: number; fromKbps: number }

/** Best first. Below the first one's `fromKbps` the connection counts as slow (REQ-P24). */
export const qualityLevels: readonly QualityLevel[] = [
  { scale: 1, maxFramerate: 30, fromKbps: 500 },
  { scale: 1.5, maxFramerate: 30, fromKbps: 350 },
  { scale: 2, maxFramerate: 20, fromKbps: 200 },
  { scale: 4, maxFramerate: 15, fromKbps: 0 },
]

/** Levels are climbed one by one, and each is tried for so long (REQ-P25). */
const climbMs = 5000
/**
 * Browsers begin with a guess, of 300 kbit/s as a rule, and take some seconds to find out how much there is:
 * what they say first is not taken for the network's fault.
 */
const warmUpMs = 8000

/** The level at which a camera is sent over one connection, by what that connection has room for. */
export class SendQuality {
  #level = 0
  #changedAt = Number.NEGATIVE_INFINITY
  #beganAt: number | undefined
  #warm = false

  /** 0 is the best; an index of {@link qualityLevels}. */
  get level(): number {
    return this.#level
  }

  /**
   * Takes what was read; to be called at least every 2 s (REQ-P5).
   *
   * @param nowMs of a clock that never goes back
   * @param availableKbps room for everything that is sent here; undefined where it is not known
   * @param wantedKbps what would be sent at most: browsers do not look for much more than that
   * @returns the level from now on
   */
  observe(nowMs: number, availableKbps: number | undefined, wantedKbps = Infinity): number {
    if (availableKbps === undefined || !Number.isFinite(availableKbps)) return this.#level
    this.#beganAt ??= nowMs
    const enough = Math.min(qualityLevels[0]?.fromKbps ?? 0, 0.9 * wantedKbps)
    this.#warm ||= availableKbps >= enough || nowMs - this.#beganAt >= warmUpMs
    if (!this.#warm) return this.#level
    const fits =
      availableKbps >= enough
        ? 0
        : Math.max(
            1,
            qualityLevels.findIndex(({ fromKbps }) => availableKbps >= fromKbps),
          )
    if (fits > this.#level) this.#become(fits, nowMs)
    else if (fits < this.#level && nowMs - this.#changedAt >= climbMs)
      this.#become(this.#level - 1, nowMs)
    return this.#level
  }

  /** Another connection, of which nothing is known yet. */
  renew(): void {
    this.#warm = false
    this.#beganAt = undefined
  }

  #become(level: number, nowMs: number): void {
    this.#level = level
    this.#changedAt = nowMs
  }
}

/** A limit with the level's on top of it. */
export function atLevel(limit: SendLimit, level: number): SendLimit {
  const { scale, maxFramerate } = qualityLevels[level] ?? { scale: 1, maxFramerate: 30 }
  return {
    ...limit,
    scaleResolutionDownBy: limit.scaleResolutionDownBy * scale,
    maxFramerate,
  }
}
