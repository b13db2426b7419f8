import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { initialPreferences, loadPreferences, savePreferences } from './preferences.ts'

const holding = (text: string | null) => () => ({ getItem: () => text })

describe('preferences', () => {
  it('REQ-W4: what was saved is there after a reload', () => {
    const kept = new Map<string, string>()
    const preferences = {
      ...initialPreferences,
      microphone: 'mic-2',
      noiseSuppression: false,
      thresholdDb: -42,
      quality: 'low' as const,
      shortcuts: { ...initialPreferences.shortcuts, leave: 'Shift+L', share: null },
    }
    savePreferences(() => ({ setItem: (key, value) => void kept.set(key, value) }), preferences)
    const again = loadPreferences(() => ({ getItem: (key) => kept.get(key) ?? null }))
    expect(again).toEqual(preferences)
  })

  it('REQ-W4: a spoiled storage harms no page, nor one field another', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(loadPreferences(holding(text)).thresholdDb).toEqual(expect.any(Number))
      }),
      { numRuns: 300 },
    )
    const spoiled = {
      ...initialPreferences,
      camera: 7,
      thresholdDb: 'loud',
      microphone: 'mic-2',
      shortcuts: { ...initialPreferences.shortcuts, leave: 'M' },
      volumes: [['p-1', 50], 'noise'],
    }
    expect(loadPreferences(holding(JSON.stringify(spoiled)))).toEqual({
      ...initialPreferences,
      microphone: 'mic-2',
    })
  })

  it('a browser that keeps nothing for this site is no error', () => {
    const refuses = () => {
      throw new DOMException('denied', 'SecurityError')
    }
    expect(loadPreferences(refuses)).toEqual(initialPreferences)
    expect(() => savePreferences(refuses, initialPreferences)).not.toThrow()
  })
})
