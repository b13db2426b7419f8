import { atLevel } from '../connection/SendQuality.ts'
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
    const { level, isSlow } = quality
    const wanted = this.#limitOfAll().maxBitrate / 1000
    quality.observe(readAtMs, stats?.availableKbps, link.sfu ? Infinity : wanted, isFull(peer))
    if (quality.isSlow !== isSlow) this.tellSlow()
    if (quality.level === level) return
    this.#limit(peer)
    if (link.sfu) this.#options.sfu()?.setQuality(quality.level)
  }

  tellSlow(): void {
    this.#options.onSlow([...this.#options.peers.values()].some(({ quality }) => quality.isSlow))
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

/** Of the room that a browser takes a line to have: as little as is left where a picture takes what there is. */
const fullShare = 0.8

/** Whether what is sent takes the room that there is: else the browser may just not have looked for more. */
function isFull({ stats, sentKbps = 0 }: Peer): boolean {
  if (!stats) return false
  return stats.limitedByBandwidth || sentKbps >= fullShare * (stats.availableKbps ?? Infinity)
}
