import type { Clock } from '../../clock.ts'

export type HeartbeatOptions = {
  clock: Clock
  /** Sends one beat; may drop it when the channel is not open. */
  send(beat: Beat): void
  /** The other end has not been heard for {@link timeoutMs}. Called once for each silence. */
  onSilent(): void
  /** The other end is heard again after a silence. */
  onHeard(): void
  /**
   * Packets of any kind that came over the path so far. Beats alone do not tell: after a cut of 20 s their channel sends
   * nothing for as long again, since SCTP doubles its patience with every packet that is lost.
   */
  arrived?(): Promise<number>
  /** Default 250. */
  intervalMs?: number
  /**
   * Default 800, so that a cut is shown within a second of it, and well before browsers say
   * `disconnected` by themselves (REQ-P7).
   */
  timeoutMs?: number
}

/** So long before a silence is told, whatever arrives begins to be counted: what was on its way is here by then. */
const countedMs = 350
/** In a silence, so that its end is soon known: no longer than that after the path is back. */
const silentIntervalMs = 100

/** A ping is answered at once with a pong, so that a page with slowed timers still seems alive. */
export type Beat = 'ping' | 'pong'

/** Notices within a second that nothing gets through, over an unreliable data channel. */
export class Heartbeat {
  readonly #options: HeartbeatOptions & Required<Pick<HeartbeatOptions, 'intervalMs' | 'timeoutMs'>>
  #cancelPing = () => {}
  #cancelDeadline = () => {}
  #heard = false
  #silent = false
  #running = false
  /** Rises with each window: what an older one asked for is of no interest any more. */
  #window = 0

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
    this.#hear()
  }

  stop(): void {
    this.#running = false
    this.#window++
    this.#cancelPing()
    this.#cancelDeadline()
  }

  #ping(): void {
    const { clock, intervalMs, send } = this.#options
    send('ping')
    const ms = this.#silent ? Math.min(silentIntervalMs, intervalMs) : intervalMs
    this.#cancelPing = clock.after(ms, () => this.#ping())
  }

  #hear(): void {
    this.#awaitBeat()
    if (!this.#silent) return
    this.#silent = false
    this.#options.onHeard()
  }

  #awaitBeat(): void {
    const { clock, timeoutMs, intervalMs } = this.#options
    const deadline = clock.now() + timeoutMs
    const mine = ++this.#window
    const count = async () => {
      const arrived = await this.#options.arrived?.().catch(() => undefined)
      return { arrived: arrived ?? 0, current: mine === this.#window }
    }
    this.#wait(timeoutMs - countedMs, async () => {
      const before = await count()
      if (!before.current) return
      this.#wait(deadline - clock.now(), async () => {
        // A timer that rings late tells of this page (asleep, or busy), not of the network:
        // whatever arrived meanwhile is still queued behind it. Listen for another window.
        if (clock.now() - deadline > intervalMs) return this.#awaitBeat()
        const now = await count()
        if (!now.current) return
        if (now.arrived > before.arrived) return this.#awaitBeat()
        this.#silent = true
        this.#options.onSilent()
        this.#listen(now.arrived, count)
      })
    })
  }

  #listen(arrived: number, count: () => Promise<{ arrived: number; current: boolean }>): void {
    this.#wait(silentIntervalMs, async () => {
      const now = await count()
      if (!now.current || !this.#silent) return
      if (now.arrived > arrived) this.#hear()
      else this.#listen(now.arrived, count)
    })
  }

  #wait(ms: number, run: () => Promise<void>): void {
    this.#cancelDeadline()
    this.#cancelDeadline = this.#options.clock.after(Math.max(0, ms), () => void run())
  }
}
