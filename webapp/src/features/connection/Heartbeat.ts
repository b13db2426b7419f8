import type { Clock } from '../../clock.ts'

export type HeartbeatOptions = {
  clock: Clock
  /** Sends one beat; may drop it when the channel is not open. */
  send(beat: Beat): void
  /** The other end has not been heard for {@link timeoutMs}. Called once for each silence. */
  onSilent(): void
  /** The other end is heard again after a silence. */
  onHeard(): void
  /** Default 250. */
  intervalMs?: number
  /**
   * Default 800, so that a cut is shown within a second of it, and well before browsers say
   * `disconnected` by themselves (REQ-P7).
   */
  timeoutMs?: number
}

/** In a silence, so that its end is soon known: no longer than that after the path is back. */
const silentIntervalMs = 100

/** A ping is answered at once with a pong, so that a page with slowed timers still seems alive. */
export type Beat = 'ping' | 'pong'

/** Notices within a second that nothing gets through, over an unreliable data channel. */
export class Heartbeat {
  readonly #options: Required<HeartbeatOptions>
  #cancelPing = () => {}
  #cancelDeadline = () => {}
  #heard = false
  #silent = false
  #running = false

  constructor(options: HeartbeatOptions) {
    this.#options = { intervalMs: 250, timeoutMs: 800, ...options }
  }

  /** Begins to beat. Silence counts from the first beat heard: the other end may open later. */
  start(): void {
    this.#running = true
    this.#cancelPing()
    this.#ping()
  }

  /** Forgets a silence and gives a full window again: the path is known to be new. */
  renew(): void {
    if (!this.#heard) return
    this.#silent = false
    this.#awaitBeat()
  }

  /** Takes what the channel brought. */
  receive(beat: string): void {
    if (!this.#running) return
    if (beat === 'ping') this.#options.send('pong')
    this.#heard = true
    this.#awaitBeat()
    if (!this.#silent) return
    this.#silent = false
    this.#options.onHeard()
  }

  stop(): void {
    this.#running = false
    this.#cancelPing()
    this.#cancelDeadline()
  }

  #ping(): void {
    const { clock, intervalMs, send } = this.#options
    send('ping')
    const ms = this.#silent ? Math.min(silentIntervalMs, intervalMs) : intervalMs
    this.#cancelPing = clock.after(ms, () => this.#ping())
  }

  #awaitBeat(): void {
    const { clock, timeoutMs, intervalMs, onSilent } = this.#options
    const deadline = clock.now() + timeoutMs
    this.#cancelDeadline()
    this.#cancelDeadline = clock.after(timeoutMs, () => {
      // A timer that rings late tells of this page (asleep, or busy), not of the network:
      // whatever arrived meanwhile is still queued behind it. Listen for another window.
      if (clock.now() - deadline > intervalMs) return this.#awaitBeat()
      this.#silent = true
      onSilent()
    })
  }
}
