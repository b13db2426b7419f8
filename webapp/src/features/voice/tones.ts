import { audioContext, audioOutput } from './audio.ts'

/** Two short tones: up for somebody who comes, down for somebody who goes. In Hz. */
const melodies = { joined: [523, 784], left: [659, 440], test: [523, 659, 784] } as const
export type Melody = keyof typeof melodies

const toneSeconds = 0.16
const loudness = 0.12

/** Plays one; does nothing where the browser still waits for a click. */
export function playMelody(melody: Melody): void {
  const audio = audioContext()
  if (audio.state !== 'running' && melody !== 'test') return
  melodies[melody].forEach((frequency, index) => {
    const start = audio.currentTime + index * toneSeconds
    const gain = new GainNode(audio, { gain: 0 })
    gain.gain.setTargetAtTime(loudness, start, 0.01)
    gain.gain.setTargetAtTime(0, start + toneSeconds * 0.6, 0.05)
    const tone = new OscillatorNode(audio, { frequency, type: 'sine' })
    tone.connect(gain).connect(audioOutput())
    tone.start(start)
    tone.stop(start + toneSeconds * 3)
  })
}
