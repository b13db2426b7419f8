/** To be looked this often. */
export const watchMs = 100
/** Who has not looked for so long was asleep, and begins to listen only now; who has not for less was busy. */
const sleepMs = 1000
/**
 * Nothing of somebody for so long, where there was something: it is shown. Silence that Opus does not
 * send still makes a packet each 400 ms, and of these one may be lost where no camera sends more.
 */
const silenceMs = { camera: 700, voice: 850 }
/** Of somebody whose camera is due: nothing is shown yet, but it may be a cut. */
const pauseMs = 500
/** From here on it is found out whether anything at all arrives here. */
const suspicionMs = 350
/** Nothing at all has arrived for so long since: the way stands still. What an SFU says of what it gets comes more often. */
const stillMs = 200
/** This end is cut for so long: the way is tried anew. The SFU's own detection takes 5 to 15 s. */
const recoverMs = 1250
/** And for so long nothing at all has come. */
const lostMs = 350
/**
 * What was tried is given so long to help, before the next thing is. In a cut nothing can, and the connection that is there goes
 * on by itself if the cut ends before the browser gives it up, which Chromium does after 16.6 s: sooner than a new one,
 * which has to be made.
 */
const patienceMs = 16_000
/** The session that is there, and another one. */
const mostTries = 2

export type MediaWatchOptions = {
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** When media of each participant was last played out; only those of whom some is due. */
  lastPlayed(): ReadonlyMap<string, number>
  /** Packets of any kind that the connection has brought so far; undefined where there is none. */
  packetsReceived(): Promise<number | undefined>
  /** Whether pictures of somebody's camera are due, and not a voice alone. */
  cameraIsDue(id: string): boolean
  connected(): boolean
  /** Of whom nothing comes though it should, and when something last did. Called when it changes of whom. */
  onSilent(times: ReadonlyMap<string, number>): void
  /** Whether nothing comes of somebody for a moment, pictures included, before it counts as silence. */
  onPause(id: string, paused: boolean): void
  /** Nothing at all arrives here any more; false: something does again. */
  onStill(still: boolean): void
  recover(how: 'resume' | 'restart'): void
}

type Heard = { played: number; movedAt: number }

/**
 * Finds out of whom media has stopped. Where nothing arrives at all, not even what the SFU says of
 * what is sent to it, it is this end that is cut, and the way is tried anew; else it is the others.
 */
export class MediaWatch {
  readonly #options: MediaWatchOptions
  readonly #heard = new Map<string, Heard>()
  #silent: ReadonlyMap<string, number> = new Map()
  readonly #paused = new Set<string>()
  #lookedAt: number | undefined
  /** Packets as last read, and when they last rose. */
  #packets: { count: number; rose: number } | undefined
  #reading = false
  #still = false
  /** It did not stand still, or something but media has come over it: little comes, even where it is there. */
  #sparse = false
  #tries = 0
  #patientUntil = 0

  constructor(options: MediaWatchOptions) {
    this.#options = options
  }

  /** All has been tried, and nobody was heard since of whom anything is due. */
  get hasGivenUp(): boolean {
    return this.#tries >= mostTries && this.#heard.size > 0
  }

  async look(): Promise<void> {
    const { now, lastPlayed, connected } = this.#options
    const at = now()
    // A timer that rings late tells of this page, not of the network: for so long nothing was due.
    const betweenMs = at - (this.#lookedAt ?? at)
    const slept = betweenMs > sleepMs
    const lateMs = Math.max(0, betweenMs - 2.5 * watchMs)
    this.#lookedAt = at
    const due = lastPlayed()
    for (const id of this.#heard.keys()) if (!due.has(id)) this.#heard.delete(id)
    for (const [id, played] of due) {
      const before = this.#heard.get(id)
      const moved = !before || before.played !== played || slept || !connected()
      this.#heard.set(id, { played, movedAt: moved ? at : before.movedAt + lateMs })
    }
    const oldest = Math.min(...[...this.#heard.values()].map(({ movedAt }) => movedAt))
    this.#tellPauses(at)
    this.#tell(at)
    if (this.#isHeard(at)) {
      // The way is there.
      this.#tries = 0
      this.#sparse = false
      this.#tellStill(false)
    }
    if (at - oldest < suspicionMs) this.#packets = undefined
    else if (this.#reading) return
    else await this.#read()
    this.#judge(now())
  }

  /** By packets that were read just now. */
  #judge(at: number): void {
    const quiet = !this.#isHeard(at)
    if (this.#still && quiet && !this.#nothingFor(stillMs, at)) this.#sparse = true
    this.#tellStill(quiet && !this.#sparse && this.#nothingFor(stillMs, at))
    if (!this.#isHeard(at, recoverMs) && this.#nothingFor(lostMs, at)) this.#recover(at)
  }

  /** Whether of anybody media has come within this time. */
  #isHeard(at: number, withinMs = suspicionMs): boolean {
    return [...this.#heard.values()].some(({ movedAt }) => at - movedAt < withinMs)
  }

  /** Nothing at all has arrived since it began to be read, and for so long. */
  #nothingFor(ms: number, at: number): boolean {
    return this.#packets !== undefined && at - this.#packets.rose >= ms
  }

  #tellStill(still: boolean): void {
    if (still === this.#still) return
    this.#still = still
    this.#options.onStill(still)
  }

  async #read(): Promise<void> {
    this.#reading = true
    const count = await this.#options.packetsReceived().catch(() => undefined)
    this.#reading = false
    if (count === undefined) return
    const before = this.#packets
    const rose = before && count <= before.count ? before.rose : this.#options.now()
    this.#packets = { count, rose }
  }

  #tellPauses(at: number): void {
    const { onPause, cameraIsDue } = this.#options
    const long = [...this.#heard].filter(([, { movedAt }]) => at - movedAt >= pauseMs)
    const paused = new Set(long.map(([id]) => id).filter((id) => cameraIsDue(id)))
    for (const id of this.#paused)
      if (!paused.has(id) && this.#paused.delete(id)) onPause(id, false)
    for (const id of paused)
      if (!this.#paused.has(id)) {
        this.#paused.add(id)
        onPause(id, true)
      }
  }

  #tell(at: number): void {
    const silent = new Map<string, number>()
    for (const [id, { movedAt }] of this.#heard) {
      const ms = at - movedAt
      if (ms < silenceMs.camera) continue
      if (ms >= silenceMs.voice || this.#options.cameraIsDue(id)) silent.set(id, movedAt)
    }
    if (silent.size === this.#silent.size && [...silent.keys()].every((id) => this.#silent.has(id)))
      return
    this.#silent = silent
    this.#options.onSilent(silent)
  }

  #recover(at: number): void {
    if (at < this.#patientUntil || this.hasGivenUp) return
    this.#options.recover(this.#tries === 0 ? 'resume' : 'restart')
    this.#tries++
    this.#patientUntil = at + patienceMs
  }
}
