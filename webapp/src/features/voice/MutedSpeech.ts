import type { Clock } from '../../clock.ts'

/** This much voice while muted is meant for the others; less is a cough. */
const meantMs = 600
/** A pause longer than this begins the count anew. */
const pauseMs = 400
const shownMs = 4000
/** Who stays muted on purpose is not told again for this long. */
const restMs = 20_000

/** Tells a person who talks while muted, once in a while. */
export class MutedSpeech {
  readonly #clock: Clock
  readonly #onChange: (shown: boolean) => void
  #begunAt: number | undefined
  #heardAt = 0
  #toldAt: number | undefined
  #cancelHide: (() => void) | undefined

  constructor(clock: Clock, onChange: (shown: boolean) => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  /** A reading of the microphone, whether or not it is muted to the others. */
  hear(muted: boolean, levelDb: number, thresholdDb: number): void {
    const now = this.#clock.now()
    if (!muted) {
      this.#begunAt = undefined
      this.hide()
      return
    }
    if (levelDb <= thresholdDb) return
    if (this.#begunAt === undefined || now - this.#heardAt > pauseMs) this.#begunAt = now
    this.#heardAt = now
    if (now - this.#begunAt >= meantMs) this.#tell(now)
  }

  /** The person has seen it, or is not muted any more. */
  hide(): void {
    if (!this.#cancelHide) return
    this.#cancelHide()
    this.#cancelHide = undefined
    this.#onChange(false)
  }

  #tell(now: number): void {
    if (this.#toldAt !== undefined && now - this.#toldAt < restMs) return
    this.#toldAt = now
    this.#cancelHide = this.#clock.after(shownMs, () => this.hide())
    this.#onChange(true)
  }
}
