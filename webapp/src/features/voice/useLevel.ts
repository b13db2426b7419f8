import { type RefObject, useEffect } from 'react'
import { readLevel } from './audio.ts'
import { meterPosition } from './levels.ts'
import { sampleMs } from './Voices.ts'

/**
 * Keeps the custom property `--level` of an element at how loud a track is; past React, as often as
 * the voice is looked at.
 * @param place from dB of full scale to what is drawn; default: 0 silence, 1 loud speech
 */
export function useLevel(
  element: RefObject<HTMLElement | null>,
  track: MediaStreamTrack | null,
  place: (levelDb: number) => number = meterPosition,
): void {
  useEffect(() => {
    const drawn = element.current
    if (!track || !drawn) return
    const reading = readLevel(track)
    const timer = setInterval(
      () => drawn.style.setProperty('--level', place(reading.readDb()).toFixed(3)),
      sampleMs,
    )
    return () => {
      clearInterval(timer)
      reading.close()
      drawn.style.removeProperty('--level')
    }
  }, [element, track, place])
}
