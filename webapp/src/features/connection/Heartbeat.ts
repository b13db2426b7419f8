import type { Clock } from '../../clock.ts'

export type HeartbeatOptions = {
  clock: Clock
  /** Sends one beat; may drop it when the channel is not open. */
  send(beat: Beat): void
  /** The other end has not been heard for {@link timeoutMs}. Called once for each silence. */
  onSilent(): void
  /** The other end is heard again after a silence. */
  onHeard(): void
  /** Nothing of any kind has come for a moment, which is not told to anybody yet; false: something comes again. */
  onStill?(still: boolean): void
  /**
   * What of any kind came over the path so far, as a number that rises with it. Beats alone do not tell: after a cut of 20 s their channel sends
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

/** So long after the last beat, whatever arrives begins to be counted, which costs the page some work. */
const countedMs = 300
/** No beat for so long, and nothing of any kind since it was first counted: the path stands still. */
const stillMs = 450
/** Of a page that is busy the counts may be nearer to each other than that, and then say nothing of it. */
const apartMs = 100
/** Between two counts, and between beats in a silence: so its end is known no longer than that after the path is back. */
const lookMs = { shortest: 100, longest: 1000 }
/** A silence that lasts is looked into less and less: by this part of it. */
const lookPart = 0.02

/** What {@link HeartbeatOptions.arrived} said, and when it was asked and had answered. */
type Count = { arrived: number; askedMs: number; answeredMs: number }

/** A ping is answered at once with a pong, so that a page with slowed timers still seems alive. */
export type Beat = 'ping' | 'pong'

/** Notices within a second that nothing gets through, over an unreliable data channel. */
export class Heartbeat {
  readonly #options: HeartbeatOptions & Required<Pick<HeartbeatOptions, 'intervalMs' | 'timeoutMs'>>
  #cancelPing = () => {}
  #cancelLook = () => {}
  #heard = false
  #silent = false
  #still = false
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
    this.#flows()
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
    this.#cancelLook()
  }

  #ping(): void {
    const { clock, intervalMs, send } = this.#options
    send('ping')
    const ms = this.#silent ? Math.min(lookMs.shortest, intervalMs) : intervalMs
    this.#cancelPing = clock.after(ms, () => this.#ping())
  }

  /**
   * @param sinceMs by the clock; what came, came then or later
   * @param first what has been counted by now, where anything has
   */
  #hear(sinceMs = this.#options.clock.now(), first?: Count): void {
    this.#awaitBeat(sinceMs, first)
    this.#flows()
    if (!this.#silent) return
    this.#silent = false
    this.#options.onHeard()
  }

  #awaitBeat(sinceMs = this.#options.clock.now(), first?: Count): void {
    const { clock, timeoutMs, intervalMs } = this.#options
    const mine = ++this.#window
    let last = first
    const look = async (dueMs: number) => {
      const askedMs = clock.now()
      // A timer that rings late tells of this page (asleep, or busy), not of the network:
      // whatever arrived meanwhile is still queued behind it. Listen for another window.
      if (askedMs - dueMs > intervalMs) return this.#awaitBeat()
      const arrived = (await this.#options.arrived?.().catch(() => undefined)) ?? last?.arrived ?? 0
      if (mine !== this.#window) return
      const count = { arrived, askedMs, answeredMs: clock.now() }
      if (last && arrived > last.arrived) return this.#hear(last.askedMs, count)
      first ??= count
      last = count
      const passedMs = dueMs - sinceMs
      if (passedMs >= stillMs && askedMs - first.answeredMs >= apartMs) this.#standsStill()
      if (passedMs >= timeoutMs) this.#fallsSilent()
      // Two counts at one time would tell nothing.
      lookAt(Math.max(sinceMs + nextLookMs(passedMs, timeoutMs), clock.now() + lookMs.shortest / 2))
    }
    const lookAt = (dueMs: number) => {
      this.#cancelLook()
      this.#cancelLook = clock.after(Math.max(0, dueMs - clock.now()), () => void look(dueMs))
    }
    lookAt(sinceMs + countedMs)
  }

  #flows(): void {
    if (!this.#still) return
    this.#still = false
    this.#options.onStill?.(false)
  }

  #standsStill(): void {
    if (this.#still) return
    this.#still = true
    this.#options.onStill?.(true)
  }

  #fallsSilent(): void {
    if (this.#silent) return
    this.#silent = true
    this.#options.onSilent()
  }
}

/** How long after the last sign of life to look again, which was done after `passedMs`. */
function nextLookMs(passedMs: number, timeoutMs: number): number {
  if (passedMs < stillMs) return stillMs
  const pauseMs = Math.min(Math.max(lookMs.shortest, lookPart * passedMs), lookMs.longest)
  const nextMs = passedMs + pauseMs
  return passedMs < timeoutMs ? Math.min(nextMs, timeoutMs) : nextMs
}
