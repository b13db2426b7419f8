import type { Clock } from '../../clock.ts'

/** How long somebody is shown as speaking after the level fell (REQ-P12). */
const holdMs = 500

/**
 * Whether one participant speaks, from levels that are read every few hundredths of a second.
 *
 * Voice is there with the first level above the threshold, and gone `holdMs` after the level fell:
 * taken as the middle between the last reading above and the first one below. Who is muted never
 * speaks (REQ-P13).
 */
export class VoiceActivity {
  readonly #clock: Clock
  readonly #onChange: (speaking: boolean) => void
  #speaking = false
  #muted: boolean
  #aboveAt: number | undefined
  #cancelEnd: (() => void) | undefined

  constructor(clock: Clock, onChange: (speaking: boolean) => void, muted = false) {
    this.#clock = clock
    this.#onChange = onChange
    this.#muted = muted
  }

  get speaking(): boolean {
    return this.#speaking
  }

  /**
   * A reading, in dB of full scale; louder than `thresholdDb` is voice.
   * @param lagMs how long ago what was read sounded
   */
  hear(levelDb: number, thresholdDb: number, lagMs = 0): void {
    if (this.#muted) return
    const now = this.#clock.now()
    if (levelDb > thresholdDb) {
      this.#aboveAt = now
      this.#stopEnding()
      this.#set(true)
    } else if (this.#speaking && !this.#cancelEnd) {
      const fellAt = ((this.#aboveAt ?? now) + now) / 2 - lagMs
      this.#cancelEnd = this.#clock.after(fellAt + holdMs - now, () => this.#silence())
    }
  }

  mute(muted: boolean): void {
    this.#muted = muted
    if (muted) this.#silence()
  }

  /** Nothing more is known of this one. */
  close(): void {
    this.mute(true)
  }

  #silence(): void {
    this.#stopEnding()
    this.#set(false)
  }

  #stopEnding(): void {
    this.#cancelEnd?.()
    this.#cancelEnd = undefined
  }

  #set(speaking: boolean): void {
    if (this.#speaking === speaking) return
    this.#speaking = speaking
    this.#onChange(speaking)
  }
}
