/** Below this nothing is heard: what a level in dB is cut off at. */
export const silenceDb = -100

/** What is read has come through the buffers of capture and of Web Audio: found in Chromium. */
export const readingLagMs = 30

export type LevelReading = {
  /** In dB of full scale, over a window of 10 ms. */
  readDb(): number
  close(): void
}

/** @param samples of a waveform, −1 to 1. @returns its power in dB of full scale, ≤ 0. */
export function powerDb(samples: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < samples.length; index++) sum += (samples[index] ?? 0) ** 2
  return samples.length === 0 ? silenceDb : amplitudeDb(Math.sqrt(sum / samples.length))
}

/** @param level linear, 0 to 1, as browsers tell `audioLevel`. @returns dB of full scale */
export function amplitudeDb(level: number): number {
  return level > 0 ? Math.max(silenceDb, 20 * Math.log10(level)) : silenceDb
}

/** Where a level stands on a meter: 0 a silent room (−60 dB), 1 loud speech (−15 dB). */
export function meterPosition(levelDb: number): number {
  return Math.min(1, Math.max(0, (levelDb + 60) / 45))
}
