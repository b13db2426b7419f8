import { systemClock } from '../../clock.ts'
import { type LevelReading, powerDb } from './levels.ts'

type Sinkable = AudioContext & { setSinkId?(deviceId: string): Promise<void> }

let audio: { context: Sinkable; output: AudioNode; element?: HTMLAudioElement } | undefined
let speaker = ''

/** The one AudioContext of this page: browsers allow few, and start it with the first click. */
export function audioContext(): AudioContext {
  const { context } = graph()
  // Refused until the person has touched the page; asked again by whoever needs it next.
  if (context.state === 'suspended') context.resume().catch(() => {})
  return context
}

/** What is connected to this is heard from the chosen speaker. */
export function audioOutput(): AudioNode {
  return graph().output
}

/** Where this page's own sounds come out from now on; '' is the browser's default. */
export function setAudioSpeaker(deviceId: string): void {
  speaker = deviceId
  if (!audio) return
  const { context, element } = audio
  // A device that is gone leaves things as they are.
  void (element ?? context).setSinkId?.(deviceId).catch(() => {})
}

function graph() {
  if (audio) return audio
  const context: Sinkable = new AudioContext({ latencyHint: 'interactive' })
  if (context.setSinkId || !('setSinkId' in HTMLMediaElement.prototype))
    audio = { context, output: context.destination }
  else {
    // Where only elements can be told a speaker, one of them plays it all.
    const output = context.createMediaStreamDestination()
    const element = new Audio()
    element.srcObject = output.stream
    element.play().catch(() => {})
    audio = { context, output, element }
  }
  if (speaker !== '') setAudioSpeaker(speaker)
  return audio
}

const windowSamples = 512
/** Reads how loud a local track is, also while it is muted to the others. */
export function readLevel(track: MediaStreamTrack): LevelReading {
  // A muted track is silent; a copy of it that goes nowhere else is not.
  const own = track.clone()
  own.enabled = true
  const { readDb, close } = readPlayedLevel(own)
  return {
    readDb,
    close() {
      close()
      own.stop()
    },
  }
}

/** Levels are read many times a second; a browser that holds sound back is asked no more often than this. */
const askAgainMs = 250
let askedAtMs = Number.NEGATIVE_INFINITY
function audioContextSeldom(now: number): void {
  if (now - askedAtMs < askAgainMs) return
  askedAtMs = now
  audioContext()
}

/** Reads how loud a track is. One of somebody else's has to be played by an element, too. */
export function readPlayedLevel(track: MediaStreamTrack, clock = systemClock): LevelReading {
  const context = audioContext()
  const analyser = new AnalyserNode(context, { fftSize: windowSamples })
  const source = context.createMediaStreamSource(new MediaStream([track]))
  source.connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  return {
    readDb() {
      audioContextSeldom(clock.now()) // resumes it once the browser allows
      analyser.getFloatTimeDomainData(samples)
      return powerDb(samples)
    },
    close: () => source.disconnect(),
  }
}
