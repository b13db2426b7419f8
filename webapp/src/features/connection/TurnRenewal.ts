import type { IceServer } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import { turnRefreshDelayMs } from './turnExpiry.ts'

export type TurnRenewalOptions = {
  clock: Clock
  /** Milliseconds since 1970, by this machine, which may be off by hours. */
  epochMs(): number
  /** Undefined: there is nobody to be asked any more. */
  refresh(): Promise<IceServer[] | undefined>
  onIceServers(iceServers: IceServer[]): void
}

/** After which it is asked again, where the server is away. */
const againMs = 10_000

/** TURN credentials that never run out. */
export class TurnRenewal {
  readonly #options: TurnRenewalOptions
  #aheadMs = 0
  #cancel = () => {}

  constructor(options: TurnRenewalOptions) {
    this.#options = options
  }

  /** Credentials expire by the server's clock. @param serverEpochMs as it said; undefined: taken to be this one's */
  goBy(serverEpochMs: number | undefined): void {
    this.#aheadMs = serverEpochMs ? serverEpochMs - this.#options.epochMs() : 0
  }

  /** Hands these on, and gets new ones in time. */
  take(iceServers: IceServer[]): void {
    this.#options.onIceServers(iceServers)
    this.#refreshIn(turnRefreshDelayMs(iceServers, this.#options.epochMs() + this.#aheadMs))
  }

  stop(): void {
    this.#cancel()
  }

  #refreshIn(delayMs: number | undefined): void {
    this.#cancel()
    if (delayMs === undefined) return
    let stopped = false
    const cancel = this.#options.clock.after(delayMs, async () => {
      try {
        const iceServers = await this.#options.refresh()
        if (iceServers && !stopped) this.take(iceServers)
      } catch {
        // Offline: the snapshot of the reconnection brings new ones. Else: a little later.
        if (!stopped) this.#refreshIn(againMs)
      }
    })
    this.#cancel = () => {
      stopped = true
      cancel()
    }
  }
}
