import { powerDb } from './levels.ts'

let context: AudioContext | undefined

/** The one AudioContext of this page: browsers allow few, and start it with the first click. */
export function audioContext(): AudioContext {
  context ??= new AudioContext({ latencyHint: 'interactive' })
  // Refused until the person has touched the page; asked again by whoever needs it next.
  if (context.state === 'suspended') context.resume().catch(() => {})
  return context
}

/** Sound that is made here comes out where the person wants it; '' is the browser's default. */
export async function setContextSpeaker(deviceId: string): Promise<void> {
  const made = audioContext() as AudioContext & { setSinkId?(id: string): Promise<void> }
  await made.setSinkId?.(deviceId).catch(() => {})
}

export type LevelReading = { readDb(): number; close(): void }

/** Reads how loud a local track is, also while it is muted to the others. */
export function readLevel(track: MediaStreamTrack): LevelReading {
  // A muted track is silent; a copy of it that goes nowhere else is not.
  const own = track.clone()
  own.enabled = true
  const audio = audioContext()
  const analyser = new AnalyserNode(audio, { fftSize: 1024 })
  const source = audio.createMediaStreamSource(new MediaStream([own]))
  source.connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  return {
    readDb() {
      if (audio.state === 'suspended') audio.resume().catch(() => {})
      analyser.getFloatTimeDomainData(samples)
      return powerDb(samples)
    },
    close() {
      source.disconnect()
      own.stop()
    },
  }
}
