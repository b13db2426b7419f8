import type { Clock } from '../../clock.ts'

/** It is looked this often. */
export const watchMs = 100
/** And once more when somebody may count as silent by then, but not at once after what was read a moment ago. */
const soonMs = 10
/** Who has not looked for so long was asleep, and begins to listen only now; who has not for less was busy. */
const sleepMs = 1000
/**
 * Nothing of somebody was played for so long, where there was something: it is shown. Silence that Opus does not
 * send still makes a packet each 400 ms, and of these one may be lost where no camera sends more.
 */
const silenceMs = { camera: 700, voice: 850 }
/** Nor has anything arrived for so long, which is known sooner: the jitter buffer plays on for up to some 0.2 s. */
const arrivalMs = { camera: 650, voice: 850 }
/** Of somebody whose camera is due: nothing is shown yet, but it may be a cut. */
const pauseMs = 500
/** From here on it is found out whether anything at all arrives here. */
const suspicionMs = 350
/** Nothing at all has arrived for so long since: the way stands still. What an SFU says of what it gets comes more often. */
const stillMs = 200
/**
 * This end is cut for so long, and nothing at all has come for so long: it is found out whether to try the way anew. In a cut of
 * everything nothing can help, and where processors are short nothing comes either, on a way that has to be left as it is. So it
 * is once the browser says that the connection is disconnected, or when signaling answers and still nothing comes: then it is this way alone.
 */
const recoverMs = 1250
const lostMs = 350
const answeredMs = 300
/** Signaling is asked once in this time. */
const askMs = 3000
/**
 * The connection that is there goes on by itself if the cut ends before the browser gives it up, which Chromium does after
 * 16.6 s: sooner than a new one, which has to be made. That comes later, and not before what was tried had so long to help.
 */
const givenUpMs = 17_250
const patienceMs = 8000
/** The session that is there, and another one. */
const mostTries = 2

export type Reading = {
  /** Packets of any kind that the connection has brought so far. */
  packets: number
  /** When the last one of each participant came, where the browser says. */
  arrivedAt: ReadonlyMap<string, number>
}

export type MediaWatchOptions = {
  clock: Clock
  /** When media of each participant was last played out; only those of whom some is due. */
  lastPlayed(): ReadonlyMap<string, number>
  /** Of the connection; undefined where there is none. */
  read(): Promise<Reading | undefined>
  /** Whether pictures of somebody's camera are due, and not a voice alone. */
  cameraIsDue(id: string): boolean
  connected(): boolean
  /** The browser says that nothing gets through, which it does some seconds into a cut. */
  disconnected(): boolean
  /** Resolves when signaling has answered: over another way than media takes. */
  askServer(): Promise<unknown>
  /** Of whom nothing comes though it should, and when something last did. Called when it changes of whom. */
  onSilent(times: ReadonlyMap<string, number>): void
  /** Whether nothing comes of somebody for a moment, pictures included, before it counts as silence. */
  onPause(id: string, paused: boolean): void
  /** Nothing at all arrives here any more; false: something does again. */
  onStill(still: boolean): void
  recover(how: 'resume' | 'restart'): void
}

/** `since`: listened to since then, and not before, whatever had come. */
type Heard = { played: number; movedAt: number; since: number }

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
  /** What signaling was asked since something came, and when it answered. */
  #question: { askedAt: number; answeredAt?: number } | undefined
  #tries = 0
  #patientUntil = 0
  #nextAt = 0
  #cancelNext = () => {}
  #stopped = false

  constructor(options: MediaWatchOptions) {
    this.#options = options
  }

  /** All has been tried, and nobody was heard since of whom anything is due. */
  get hasGivenUp(): boolean {
    return this.#tries >= mostTries && this.#heard.size > 0
  }

  start(): void {
    this.#lookAt(this.#now() + watchMs)
  }

  stop(): void {
    this.#stopped = true
    this.#cancelNext()
  }

  #now(): number {
    return this.#options.clock.now()
  }

  #lookAt(at: number): void {
    this.#cancelNext()
    this.#nextAt = at
    this.#cancelNext = this.#options.clock.after(at - this.#now(), () => {
      this.#lookAt(this.#now() + watchMs)
      void this.#look()
    })
  }

  /** Sooner than it is looked next anyway. */
  #lookBy(at: number): void {
    if (at < this.#nextAt) this.#lookAt(Math.max(at, this.#now() + soonMs))
  }

  async #look(): Promise<void> {
    const { lastPlayed, connected } = this.#options
    const at = this.#now()
    // A timer that rings late tells of this page, not of the network: for so long nothing was due.
    const betweenMs = at - (this.#lookedAt ?? at)
    const slept = betweenMs > sleepMs
    const lateMs = Math.max(0, betweenMs - 2.5 * watchMs)
    this.#lookedAt = at
    const due = lastPlayed()
    for (const id of this.#heard.keys()) if (!due.has(id)) this.#heard.delete(id)
    for (const [id, played] of due) {
      const before = this.#heard.get(id)
      const since = !before || slept || !connected() ? at : before.since
      const moved = since === at || before?.played !== played
      this.#heard.set(id, { played, movedAt: moved ? at : before.movedAt + lateMs, since })
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
    if (at - oldest < suspicionMs) {
      this.#packets = undefined
      this.#lookBy(oldest + suspicionMs)
    } else if (this.#reading) return
    else {
      const arrivedAt = await this.#read()
      if (this.#stopped) return
      this.#tell(this.#now(), arrivedAt)
    }
    this.#judge(this.#now())
  }

  /** By packets that were read just now. */
  #judge(at: number): void {
    const quiet = !this.#isHeard(at)
    if (this.#still && quiet && !this.#nothingFor(stillMs, at)) this.#sparse = true
    this.#tellStill(quiet && !this.#sparse && this.#nothingFor(stillMs, at))
    if (quiet && !this.#still && this.#packets && !this.#sparse)
      this.#lookBy(this.#packets.rose + stillMs)
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

  /** @returns when something of each last came, where that is known */
  async #read(): Promise<ReadonlyMap<string, number>> {
    this.#reading = true
    const reading = await this.#options.read().catch(() => undefined)
    this.#reading = false
    if (!reading) return new Map()
    const before = this.#packets
    const isMore = !before || reading.packets > before.count
    if (isMore) this.#question = undefined
    this.#packets = { count: reading.packets, rose: isMore ? this.#now() : before.rose }
    return reading.arrivedAt
  }

  #tellPauses(at: number): void {
    const { onPause, cameraIsDue } = this.#options
    const paused = new Set<string>()
    for (const [id, { movedAt }] of this.#heard)
      if (at - movedAt >= suspicionMs && cameraIsDue(id)) {
        if (at - movedAt >= pauseMs) paused.add(id)
        else this.#lookBy(movedAt + pauseMs)
      }
    for (const id of this.#paused)
      if (!paused.has(id) && this.#paused.delete(id)) onPause(id, false)
    for (const id of paused)
      if (!this.#paused.has(id)) {
        this.#paused.add(id)
        onPause(id, true)
      }
  }

  /** @param arrivedAt as read just now */
  #tell(at: number, arrivedAt: ReadonlyMap<string, number> = new Map()): void {
    const silent = new Map<string, number>()
    for (const [id, { movedAt, since }] of this.#heard) {
      if (at - movedAt < suspicionMs) continue
      const due = this.#options.cameraIsDue(id) ? 'camera' : 'voice'
      const lastAt = Math.max(arrivedAt.get(id) ?? Infinity, since)
      const silentAt = Math.min(movedAt + silenceMs[due], lastAt + arrivalMs[due])
      // Who is silent is so until something is played.
      if (at >= silentAt || this.#silent.has(id)) silent.set(id, movedAt)
      else this.#lookBy(silentAt)
    }
    if (silent.size === this.#silent.size && [...silent.keys()].every((id) => this.#silent.has(id)))
      return
    this.#silent = silent
    this.#options.onSilent(silent)
  }

  #recover(at: number): void {
    if (this.hasGivenUp) return
    if (this.#tries === 0 && (this.#options.disconnected() || this.#answers(at))) {
      this.#tries = 1
      this.#patientUntil = at + patienceMs
      this.#options.recover('resume')
    } else if (!this.#isHeard(at, givenUpMs) && at >= this.#patientUntil) {
      this.#tries = mostTries
      this.#options.recover('restart')
    }
  }

  /** Whether signaling has answered since the last packet came, some time ago. */
  #answers(at: number): boolean {
    if (at - (this.#question?.askedAt ?? Number.NEGATIVE_INFINITY) >= askMs) this.#ask(at)
    return at - (this.#question?.answeredAt ?? at) >= answeredMs
  }

  #ask(at: number): void {
    const question: { askedAt: number; answeredAt?: number } = { askedAt: at }
    this.#question = question
    this.#options.askServer().then(
      () => {
        question.answeredAt = this.#now()
      },
      () => {},
    )
  }
}
