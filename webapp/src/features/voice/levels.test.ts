import { describe, expect, it } from '@jest/globals'
import { amplitudeDb, meterPosition, powerDb, silenceDb } from './levels.ts'
import { noteReceiver, receivedDb } from './receivers.ts'

describe('levels', () => {
  it('are in dB of full scale', () => {
    const sine = Float32Array.from({ length: 1024 }, (_, n) => Math.sin((n * Math.PI * 2) / 64))
    expect(powerDb(sine)).toBeCloseTo(-3.01, 1)
    expect(powerDb(sine.map((sample) => sample / 100))).toBeCloseTo(-43.01, 1)
    expect(powerDb(new Float32Array(64))).toBe(silenceDb)
    expect(powerDb([])).toBe(silenceDb)
    expect(amplitudeDb(0.1)).toBeCloseTo(-20)
    expect(amplitudeDb(0)).toBe(silenceDb)
    expect([silenceDb, -60, -37.5, -15, 0].map(meterPosition)).toEqual([0, 0, 0.5, 1, 1])
  })

  it('of a remote track are those of its last packet, and over with the packets', () => {
    const track = {}
    let sources: { timestamp: number; audioLevel?: number }[] = []
    expect(receivedDb(track, 0)).toBe(silenceDb)
    noteReceiver(track, { getSynchronizationSources: () => sources })
    expect(receivedDb(track, 0)).toBe(silenceDb)
    sources = [
      { timestamp: 5020, audioLevel: 0.1 },
      { timestamp: 4000, audioLevel: 1 }, // of before a restart
    ]
    expect(receivedDb(track, 1000)).toBeCloseTo(-20)
    expect(receivedDb(track, 1200)).toBeCloseTo(-20)
    expect(receivedDb(track, 1201)).toBe(silenceDb)
    sources = [{ timestamp: 5300 }]
    expect(receivedDb(track, 1240)).toBe(silenceDb)
    sources = [{ timestamp: 5320, audioLevel: 1 }]
    expect(receivedDb(track, 1280)).toBe(0)
  })
})
