import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { initialPreferences, loadPreferences, savePreferences } from '../settings/preferences.ts'
import { RemoteSound, type SoundElement } from './RemoteSound.ts'
import { type VolumeTable, volumeOf, withVolume } from './Volumes.ts'

const people = ['p-1', 'p-2', 'p-3', 'p-4']
const change = fc.record({
  who: fc.constantFrom(...people),
  percent: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(0, 100, 101, 200)),
})

/** One participant's sound, and how loud it comes out. */
function sound() {
  const element: SoundElement = {
    srcObject: null,
    volume: 1,
    muted: false,
    play: async () => {},
  }
  let gain = 0
  const made = new RemoteSound({
    element,
    stream: 'the stream',
    boost: () => ({
      set: (value) => {
        gain = value
      },
      close: () => {
        gain = 0
      },
    }),
    onBlocked: () => {},
  })
  const loudness = () => (element.muted ? 0 : element.volume) + gain
  return { made, element, loudness }
}

describe('volumes', () => {
  it("Feature: webrtc-improvements, Property 16: REQ-P16: one participant's volume leaves the others' alone, from 0 to 200 %", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const sounds = new Map(people.map((id) => [id, sound()]))
        const wanted = new Map(people.map((id) => [id, 100]))
        let table: VolumeTable = []
        for (const { who, percent } of changes) {
          table = withVolume(table, who, percent)
          wanted.set(who, percent)
          for (const [id, { made, element, loudness }] of sounds) {
            made.setVolume(volumeOf(table, id))
            expect(loudness()).toBeCloseTo((wanted.get(id) ?? Number.NaN) / 100, 10)
            // A boost is fed only while the element plays on.
            expect(element.srcObject).toBe('the stream')
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('Feature: webrtc-improvements, Property 17: REQ-P17: a volume reads back as written, also after a reload', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const kept = new Map<string, string>()
        const storage = () => ({
          getItem: (key: string) => kept.get(key) ?? null,
          setItem: (key: string, value: string) => void kept.set(key, value),
        })
        const wanted = new Map<string, number>()
        let preferences = initialPreferences
        for (const { who, percent } of changes) {
          const volumes = withVolume(preferences.volumes, who, percent)
          preferences = { ...preferences, volumes: [...volumes] }
          wanted.set(who, percent)
          savePreferences(storage, preferences)
          const reloaded = loadPreferences(storage)
          for (const id of people) {
            expect(volumeOf(preferences.volumes, id)).toBe(wanted.get(id) ?? 100)
            expect(volumeOf(reloaded.volumes, id)).toBe(wanted.get(id) ?? 100)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('forgets the oldest of very many', () => {
    let table: VolumeTable = []
    for (let index = 0; index < 1000; index++) table = withVolume(table, `p-${index}`, 50)
    expect(table).toHaveLength(200)
    expect(volumeOf(table, 'p-999')).toBe(50)
    expect(volumeOf(table, 'p-0')).toBe(100)
  })

  it('says when the browser wants a click before it plays', async () => {
    let blocked = 0
    const refusal = Object.assign(new Error('no click yet'), { name: 'NotAllowedError' })
    const element = { ...sound().element, play: () => Promise.reject(refusal) }
    const options = { element, stream: null, boost: () => ({ set() {}, close() {} }) }
    new RemoteSound({ ...options, onBlocked: () => blocked++ })
    await Promise.resolve()
    expect(blocked).toBe(1)
  })
})
