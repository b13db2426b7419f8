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
/** So long a level is sent that was tried, before what is read counts: browsers find out what they can send by sending it. */
const trialMs = 4000
/** Each level that was tried in vain doubles the wait for the next try, up to this. */
const longestWaitMs = 40_000
/**
 * Browsers begin with a guess, of 300 kbit/s as a rule, and take some seconds to find out how much there is:
 * what they say first is not taken for the network's fault.
 */
const warmUpMs = 8000

/** The level at which a camera is sent over one connection, by what that connection has room for. */
export class SendQuality {
  #level = 0
  #changedAt = Number.NEGATIVE_INFINITY
  /** When there was last no room for more than was sent. */
  #fullAt = Number.NEGATIVE_INFINITY
  /** Nothing is known yet of the level that it is. */
  #onTrial = false
  #triedInVain = 0
  #beganAt: number | undefined
  #warm = false

  /** 0 is the best; an index of {@link qualityLevels}. */
  get level(): number {
    return this.#level
  }

  /** There is room for less than the whole picture, or it is not known yet that there is more. */
  get isSlow(): boolean {
    return this.#level > 0 || this.#onTrial
  }

  /**
   * Takes what was read; to be called at least every 2 s (REQ-P5).
   *
   * @param nowMs of a clock that never goes back
   * @param availableKbps room for everything that is sent here; undefined where it is not known
   * @param wantedKbps what would be sent at most: browsers do not look for much more than that
   * @param isFull what is sent takes that room. Where it does not, browsers look for no more: a small picture would stay
   *   one for good, so a larger one is tried.
   * @returns the level from now on
   */
  observe(
    nowMs: number,
    availableKbps: number | undefined,
    wantedKbps = Infinity,
    isFull = true,
  ): number {
    if (availableKbps === undefined || !Number.isFinite(availableKbps)) return this.#level
    const enough = Math.min(qualityLevels[0]?.fromKbps ?? 0, 0.9 * wantedKbps)
    if (availableKbps < enough && !isFull) return this.#tryMore(nowMs)
    this.#beganAt ??= nowMs
    this.#warm ||= availableKbps >= enough || nowMs - this.#beganAt >= warmUpMs
    if (!this.#warm) return this.#level
    const fits =
      availableKbps >= enough
        ? 0
        : Math.max(
            1,
            qualityLevels.findIndex(({ fromKbps }) => availableKbps >= fromKbps),
          )
    if (fits > 0) this.#fullAt = nowMs
    if (fits > this.#level) {
      if (this.#onTrial && nowMs - this.#changedAt < trialMs) return this.#level
      if (this.#onTrial) this.#triedInVain++
      this.#become(fits, nowMs)
    } else {
      this.#prove()
      if (fits < this.#level && nowMs - this.#changedAt >= climbMs)
        this.#become(this.#level - 1, nowMs)
    }
    return this.#level
  }

  /** Another connection, of which nothing is known yet. */
  renew(): void {
    this.#warm = false
    this.#beganAt = undefined
    this.#triedInVain = 0
  }

  #tryMore(nowMs: number): number {
    if (nowMs - this.#changedAt >= trialMs) this.#prove()
    const waitMs = Math.min(climbMs * 2 ** this.#triedInVain, longestWaitMs)
    if (this.#level > 0 && nowMs - Math.max(this.#changedAt, this.#fullAt) >= waitMs) {
      this.#become(this.#level - 1, nowMs)
      this.#onTrial = true
    }
    return this.#level
  }

  /** There is room for the level that it is. */
  #prove(): void {
    if (this.#onTrial) this.#triedInVain = 0
    this.#onTrial = false
  }

  #become(level: number, nowMs: number): void {
    this.#level = level
    this.#changedAt = nowMs
    this.#onTrial = false
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
