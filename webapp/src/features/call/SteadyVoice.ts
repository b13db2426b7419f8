import type { LinkStats } from '../connection/linkStats.ts'

export type VoiceReading = Pick<
  LinkStats,
  'audioPacketsReceived' | 'audioSamples' | 'audioSamplesConcealed'
>

/** For so long a voice has to come well. */
const steadyMs = 1000
/** So much of what is played may be made up in place of what did not come. */
const concealedShare = 0.1
/** On a line that loses more than that, the way before is no better. */
const patienceMs = 10_000

/**
 * Whether a voice that has begun to come over another way goes on coming. Its first packets do not tell: while a room moves
 * everybody's processors have most to do, and a second without any packet may follow them.
 */
export class SteadyVoice {
  /** The first is the last one that is `steadyMs` old. */
  readonly #readings: (VoiceReading & { atMs: number })[] = []
  #beganAtMs: number | undefined

  /** @param atMs when it was read, by a clock that never goes back. @returns whether it can be relied on */
  read(atMs: number, now: VoiceReading): boolean {
    if (now.audioPacketsReceived === 0) return false
    this.#beganAtMs ??= atMs
    // Counters that fell are those of a new connection.
    if (now.audioSamples < (this.#readings.at(-1)?.audioSamples ?? 0)) this.#readings.length = 0
    this.#readings.push({ ...now, atMs })
    while (this.#readings[1] && atMs - this.#readings[1].atMs >= steadyMs) this.#readings.shift()
    if (atMs - this.#beganAtMs >= patienceMs) return true
    const [before] = this.#readings
    if (!before || atMs - before.atMs < steadyMs) return false
    const played = now.audioSamples - before.audioSamples
    return now.audioSamplesConcealed - before.audioSamplesConcealed <= concealedShare * played
  }
}
