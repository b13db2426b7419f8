import type { Clock } from '../../clock.ts'
import type { ReconnectPolicy } from './ReconnectPolicy.ts'

export type ReconnectionOptions = {
  clock: Clock
  /** Of the quick tries. After them it is still tried, while the person is offered to. */
  policy: ReconnectPolicy
  /** Brings the socket up; one that is up is left as it is. */
  connect(): Promise<void>
  /**
   * Takes the seat over it.
   * @param current false as soon as something else has taken this try's place: what it awaited is of no interest then
   */
  enter(current: () => boolean): Promise<void>
  /** `lost`: the quick tries are used up. */
  onAway(state: 'reconnecting' | 'lost'): void
  /** @returns whether it is tried again */
  onFailed(error: unknown): boolean
}

/** After the quick tries: often at first, as most cuts are short. */
const retryMs = (attempt: number) => (attempt < 60 ? 1000 : 10_000)
const shortestWaitMs = 100

/** Each is an object of its own: what awaited something knows by it whether it is still the one that is under way. */
type Phase =
  | { readonly name: 'still' }
  | { readonly name: 'waiting'; cancel(): void }
  | { readonly name: 'connecting' }
  | { readonly name: 'entering' }

/** Brings a socket and the seat that was taken over it back, one try at a time. */
export class Reconnection {
  readonly #options: ReconnectionOptions
  #phase: Phase = { name: 'still' }
  /** Of the try that is waited for, or under way. */
  #attempt = 0

  constructor(options: ReconnectionOptions) {
    this.#options = options
  }

  /** The socket is lost, and with it whatever was asked over it. */
  lost(): void {
    const { name } = this.#phase
    // Known already: it is being brought back.
    if (name !== 'waiting' && name !== 'connecting') this.#wait(0)
  }

  /** Sooner than the next try by the clock. One that is under way stays the only one. */
  hurry(): void {
    const { name } = this.#phase
    if (name === 'waiting' || name === 'still') this.#wait(0)
    else this.#attempt = 0
  }

  /** Over the socket that is there, the seat can be taken now. */
  enter(): void {
    if (this.#phase.name === 'connecting') return
    this.#become({ name: 'still' })
    this.#attempt = 0
    void this.#try()
  }

  stop(): void {
    this.#become({ name: 'still' })
  }

  #become<P extends Phase>(phase: P): P {
    if (this.#phase.name === 'waiting') this.#phase.cancel()
    this.#phase = phase
    return phase
  }

  #wait(attempt: number, tookMs = 0): void {
    const { clock, policy, onAway } = this.#options
    this.#attempt = attempt
    const delayMs = policy.delayMs(attempt)
    // A try that had to wait for its time-out has waited.
    const waitMs = Math.max(shortestWaitMs, (delayMs ?? retryMs(attempt)) - tookMs)
    this.#become({ name: 'waiting', cancel: clock.after(waitMs, () => void this.#try()) })
    onAway(delayMs === undefined ? 'lost' : 'reconnecting')
  }

  async #try(): Promise<void> {
    const { clock, connect, enter, onFailed } = this.#options
    const beganAt = clock.now()
    let mine: Phase = this.#become({ name: 'connecting' })
    const current = () => this.#phase === mine
    try {
      await connect()
      if (!current()) return
      mine = this.#become({ name: 'entering' })
      await enter(current)
      if (current()) this.#become({ name: 'still' })
    } catch (error) {
      if (!current()) return
      if (onFailed(error)) this.#wait(this.#attempt + 1, clock.now() - beganAt)
      else this.#become({ name: 'still' })
    }
  }
}
