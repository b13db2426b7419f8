import { audioContext, audioOutput } from './audio.ts'
import type { Boost } from './RemoteSound.ts'

/** Plays a stream through a gain; the way up and down takes 20 ms, so that nothing clicks. */
export function boostOf(stream: MediaStream): Boost {
  const audio = audioContext()
  const source = audio.createMediaStreamSource(stream)
  const gain = new GainNode(audio, { gain: 1 })
  source.connect(gain).connect(audioOutput())
  return {
    set: (value) => gain.gain.setTargetAtTime(value, audio.currentTime, 0.02),
    close() {
      source.disconnect()
      gain.disconnect()
    },
  }
}
