import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { initialPreferences, qualityChoices } from '../settings/preferences.ts'
import { constraintsOf } from './constraints.ts'
import type { MediaKind } from './localState.ts'

const id = fc.option(fc.constantFrom('a', 'b'))

describe('constraintsOf', () => {
  it('Feature: webrtc-improvements, Property 23: REQ-P23: noise suppression, echo cancellation and gain control are asked for as set', () => {
    fc.assert(
      fc.property(
        fc.record({
          noiseSuppression: fc.boolean(),
          echoCancellation: fc.boolean(),
          autoGainControl: fc.boolean(),
          microphone: id,
          camera: id,
          quality: fc.constantFrom(...qualityChoices),
        }),
        fc.constantFrom('exact' as const, 'ideal' as const, 'any' as const),
        fc.boolean(),
        (set, pick, both) => {
          const kinds: MediaKind[] = both ? ['audio', 'video'] : ['audio']
          const { audio, video } = constraintsOf(kinds, { ...initialPreferences, ...set }, pick)
          const { noiseSuppression, echoCancellation, autoGainControl, microphone } = set
          expect(audio).toEqual({
            noiseSuppression,
            echoCancellation,
            autoGainControl,
            ...(microphone && pick !== 'any' && { deviceId: { [pick]: microphone } }),
          })
          expect(video === false).toBe(!both)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('asks for no more of a camera than the chosen quality', () => {
    const widths = qualityChoices.map((quality) => {
      const { video } = constraintsOf(['video'], { ...initialPreferences, quality }, 'ideal')
      return (video as MediaTrackConstraints).width
    })
    expect(widths).toEqual([{ ideal: 1280 }, { ideal: 1280 }, { ideal: 640 }, { ideal: 320 }])
  })
})
