import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import { VoiceActivity } from './VoiceActivity.ts'
import type { VoiceState } from './voiceState.ts'

/** One participant as heard `lagMs` ago (default 0). */
export type Voice = { id: string; muted: boolean; levelDb: number; lagMs?: number }

export type VoicesOptions = {
  clock: Clock
  state: Cell<VoiceState>
  /** Everybody in the call, read now. */
  voices(): Iterable<Voice>
  /** In dB of full scale. */
  thresholdDb(): number
  /** How often they are read. */
  everyMs?: number
}

/** Often enough for voice to be seen within 100 ms, and for its end to be known within ± 50 ms. */
export const sampleMs = 40
/** So is this, of levels that have little lag of their own: a page stops for each that it asks a receiver for. */
export const receivedSampleMs = 50

/** Who speaks in a call: one timer reads all levels, and the state says who is above. */
export class Voices {
  readonly #options: VoicesOptions
  readonly #activities = new Map<string, VoiceActivity>()
  #cancel = () => {}
  #running = false

  constructor(options: VoicesOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#next()
  }

  stop(): void {
    this.#running = false
    this.#cancel()
    for (const activity of this.#activities.values()) activity.close()
    this.#activities.clear()
  }

  /** Reads everybody now; the timer does, and whoever knows of a change sooner. */
  sample(): void {
    const present = new Set<string>()
    const thresholdDb = this.#options.thresholdDb()
    for (const { id, muted, levelDb, lagMs } of this.#options.voices()) {
      present.add(id)
      const activity = this.#activityOf(id)
      activity.mute(muted)
      activity.hear(levelDb, thresholdDb, lagMs)
    }
    for (const [id, activity] of this.#activities) {
      if (present.has(id)) continue
      activity.close()
      this.#activities.delete(id)
    }
  }

  #next(): void {
    this.#cancel = this.#options.clock.after(this.#options.everyMs ?? sampleMs, () => {
      this.sample()
      this.#next()
    })
  }

  #activityOf(id: string): VoiceActivity {
    let activity = this.#activities.get(id)
    if (!activity) {
      activity = new VoiceActivity(this.#options.clock, (speaking) => this.#show(id, speaking))
      this.#activities.set(id, activity)
    }
    return activity
  }

  #show(id: string, speaking: boolean): void {
    const { state } = this.#options
    const others = state.get().speaking.filter((one) => one !== id)
    state.set({ speaking: speaking ? [...others, id] : others })
  }
}
