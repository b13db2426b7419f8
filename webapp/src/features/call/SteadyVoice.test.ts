import { describe, expect, it } from '@jest/globals'
import { SteadyVoice } from './SteadyVoice.ts'

/** Reads it each 100 ms. @param concealed of each 100 ms that are played, how many are made up */
function firstSteadyMs(concealed: readonly number[], { counts = true } = {}): number | undefined {
  const voice = new SteadyVoice()
  let made = 0
  for (const [index, ms] of concealed.entries()) {
    const samples = counts ? { audioSamples: 4800 * index, audioSamplesConcealed: 48 * made } : none
    if (voice.read(100 * index, { audioPacketsReceived: 1 + index, ...samples })) return 100 * index
    made += ms
  }
  return undefined
}

const none = { audioSamples: 0, audioSamplesConcealed: 0 }
const times = (count: number, ms: number) => Array<number>(count).fill(ms)

describe('SteadyVoice', () => {
  it('REQ-K8, W2: a voice is relied on that has come for a second, and no sooner', () => {
    expect(firstSteadyMs(times(50, 0))).toBe(1000)
    expect(firstSteadyMs(times(50, 0), { counts: false })).toBe(1000)
  })

  it('REQ-K8, W2: one that stops after its first packets is not, until a second after it is back', () => {
    expect(firstSteadyMs([...times(5, 0), ...times(13, 100), ...times(20, 0)])).toBe(2700)
  })

  it('REQ-K8: a few packets that are lost are no stop, and a line that always loses many is moved to in the end', () => {
    expect(firstSteadyMs([20, 0, 0, 0, 20, 0, 0, 0, 20, 0, 0])).toBe(1000)
    expect(firstSteadyMs(times(200, 30))).toBe(10_000)
  })

  it('REQ-K8: none is relied on of which nothing has come, or whose connection has begun anew', () => {
    const voice = new SteadyVoice()
    const read = (atMs: number, packets: number, samples: number, concealed = 0) =>
      voice.read(atMs, {
        audioPacketsReceived: packets,
        audioSamples: samples,
        audioSamplesConcealed: concealed,
      })
    for (const atMs of [0, 1000, 20_000]) expect(read(atMs, 0, 0)).toBe(false)
    expect(read(21_000, 9, 48_000, 40_000)).toBe(false)
    expect(read(22_000, 1, 960)).toBe(false)
    expect(read(22_900, 50, 960 + 43_200)).toBe(false)
    expect(read(23_000, 55, 960 + 48_000)).toBe(true)
  })
})
