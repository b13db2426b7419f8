import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import { VoiceActivity } from './VoiceActivity.ts'
import type { VoiceState } from './voiceState.ts'

/** One participant as heard `lagMs` ago (default 0). `levelDb` undefined: not listened to this time. */
export type Voice = { id: string; muted: boolean; levelDb: number | undefined; lagMs?: number }

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
/** Between two of them it rests for so many times as long as one took: a page has other things to do. */
const leastRest = 4

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
      if (levelDb !== undefined) activity.hear(levelDb, thresholdDb, lagMs)
    }
    for (const [id, activity] of this.#activities) {
      if (present.has(id)) continue
      activity.close()
      this.#activities.delete(id)
    }
  }

  #next(restMs = 0): void {
    const { clock, everyMs = sampleMs } = this.#options
    this.#cancel = clock.after(Math.max(everyMs, restMs), () => {
      const begun = clock.now()
      this.sample()
      this.#next(leastRest * (clock.now() - begun))
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
