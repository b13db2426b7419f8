import type { LinkStats } from '../connection/linkStats.ts'
import { atLevel, qualityLevels } from '../connection/SendQuality.ts'
import type { Peer } from './Peer.ts'
import type { Sfu } from './Sfu.ts'
import { sendLimitFor } from './sendLimit.ts'

export type SendLimitsOptions = {
  peers: ReadonlyMap<string, Peer>
  sfu(): Sfu | undefined
  maxKbps?(): number
  /** There is room for less than the whole picture, or for all of it again. */
  onSlow(slow: boolean): void
}

/** How much of the camera is sent to each: what all of them leave, and what there is room for on the way to this one. */
export class SendLimits {
  readonly #options: SendLimitsOptions
  /** As the links were last told. */
  #maxKbps: number | undefined

  constructor(options: SendLimitsOptions) {
    this.#options = options
  }

  /** There are more of them, or fewer. */
  apply(): void {
    for (const peer of this.#options.peers.values()) this.#limit(peer)
  }

  /** The person may want another quality. */
  applyWanted(): void {
    if (this.#maxKbps !== this.#options.maxKbps?.()) this.apply()
  }

  /** Less is sent where there is room for less (REQ-P24, P25). Over the SFU one connection is for all. */
  adapt(peer: Peer): void {
    const { stats, readAtMs = 0, link, quality } = peer
    const before = quality.level
    const wanted = this.#limitOfAll().maxBitrate / 1000
    quality.observe(readAtMs, roomFor(stats), link.sfu ? Infinity : wanted)
    if (quality.level === before) return
    this.#limit(peer)
    if (link.sfu) this.#options.sfu()?.setQuality(quality.level)
    this.tellSlow()
  }

  tellSlow(): void {
    const slow = [...this.#options.peers.values()].some(({ quality }) => quality.level > 0)
    this.#options.onSlow(slow)
  }

  #limitOfAll() {
    this.#maxKbps = this.#options.maxKbps?.()
    return sendLimitFor(this.#options.peers.size, this.#maxKbps)
  }

  #limit({ link, next, quality }: Peer): void {
    const limit = atLevel(this.#limitOfAll(), quality.level)
    link.setSendLimit(limit)
    next?.setSendLimit(limit)
  }
}

/** Browsers look for no more room than they need: little of it says something only where it is not enough. */
function roomFor(stats: LinkStats | undefined): number | undefined {
  const slow = qualityLevels[0]?.fromKbps ?? 0
  const kbps = stats?.availableKbps ?? slow
  return kbps >= slow || stats?.limitedByBandwidth ? stats?.availableKbps : undefined
}
