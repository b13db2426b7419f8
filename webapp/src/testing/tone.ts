import type { Page } from 'playwright-core'

/** Each person's own, in Hz: whole waves in what is looked at, so that none is taken for another. */
export const toneHz = (index: number): number => (48_000 / 1024) * (10 + 3 * index)

/** What was played of one tone: how long it was missed at a stretch, and how long it was listened to. */
export type Heard = { longestGapMs: number; listenedMs: number; heardMs: number }

declare global {
  interface Window {
    tones: { listen(): void; stop(): void; heard(hz: number): Promise<Heard> }
  }
}

/**
 * The page's microphone is a tone from now on, and what its audio elements play is listened to, whichever stream
 * they have. The page needs a context with `bypassCSP`: what counts samples is a module of its own.
 */
export async function soundTone(page: Page, index: number): Promise<void> {
  await page.addInitScript(prepare, toneHz(index))
}

/** From now on; what was heard so far is forgotten. */
export const listen = (page: Page): Promise<void> => page.evaluate(() => window.tones.listen())

/** What comes now is of no interest: reckoning what was heard until now is work that would be heard. */
export const stopListening = (page: Page): Promise<void> => page.evaluate(() => window.tones.stop())

/** What was heard of somebody's tone while it was listened. */
export const heardOf = (page: Page, index: number): Promise<Heard> =>
  page.evaluate((hz) => window.tones.heard(hz), toneHz(index))

/** Runs in the page. */
function prepare(ownHz: number): void {
  /**
   * Windows of 1024 samples, one after the other, several at a time: time is what the audio clock says, however busy the
   * page is.
   */
  const module = `
    registerProcessor('windows', class extends AudioWorkletProcessor {
      constructor() { super(); this.samples = new Float32Array(8 * 1024); this.at = 0 }
      process([[channel]]) {
        for (let i = 0; i < 128; i++) this.samples[this.at++] = channel ? channel[i] : 0
        if (this.at === 8 * 1024) { this.port.postMessage(this.samples.slice()); this.at = 0 }
        return true
      }
    })`
  // Nobody listens to it, so it needs no device, and large buffers: many such pages share one machine.
  const context = new AudioContext({
    ...{ sampleRate: 48_000, latencyHint: 'playback', sinkId: { type: 'none' } },
  })
  let windows: Float32Array[] = []
  /** What was reckoned of a tone so far, up to which window. */
  let reckoned = new Map<number, { upTo: number; gap: number; longest: number; heard: number }>()
  let listening = false
  const loaded = (async () => {
    const url = URL.createObjectURL(new Blob([module], { type: 'text/javascript' }))
    await context.audioWorklet.addModule(url)
    const node = new AudioWorkletNode(context, 'windows', {
      channelCount: 1,
      channelCountMode: 'explicit',
    })
    node.port.onmessage = ({ data }) => {
      if (!listening) return
      for (let at = 0; at < data.length; at += 1024) windows.push(data.subarray(at, at + 1024))
    }
    // What is connected to nothing is not asked for samples.
    const silent = new GainNode(context, { gain: 0 })
    node.connect(silent).connect(context.destination)
    await context.resume()
    return node
  })()

  const devices = navigator.mediaDevices
  const open = devices.getUserMedia.bind(devices)
  devices.getUserMedia = async (wanted) => {
    const stream = await open(wanted)
    for (const track of stream.getAudioTracks()) {
      stream.removeTrack(track)
      track.stop()
      const oscillator = new OscillatorNode(context, { frequency: ownHz })
      const destination = context.createMediaStreamDestination()
      oscillator.connect(new GainNode(context, { gain: 0.1 })).connect(destination)
      oscillator.start()
      for (const tone of destination.stream.getAudioTracks()) stream.addTrack(tone)
    }
    return stream
  }

  const sources = new Map<HTMLAudioElement, AudioNode>()
  const { set, get } = Object.getOwnPropertyDescriptor(
    HTMLMediaElement.prototype,
    'srcObject',
  ) as Required<PropertyDescriptor>
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
    get,
    set(this: HTMLMediaElement, stream: MediaStream | null) {
      set.call(this, stream)
      if (!(this instanceof HTMLAudioElement)) return
      sources.get(this)?.disconnect()
      sources.delete(this)
      if (!stream || stream.getAudioTracks().length === 0) return
      const source = context.createMediaStreamSource(stream)
      sources.set(this, source)
      void loaded.then((node) => sources.get(this) === source && source.connect(node))
    },
  })

  /** How strong one frequency is (Goertzel), as amplitude. */
  const strength = (samples: Float32Array, hz: number) => {
    const factor = 2 * Math.cos((2 * Math.PI * hz) / 48_000)
    let [one, two] = [0, 0]
    for (const sample of samples) [one, two] = [sample + factor * one - two, one]
    return (2 * Math.sqrt(Math.max(0, one * one + two * two - factor * one * two))) / samples.length
  }
  window.tones = {
    listen() {
      windows = []
      reckoned = new Map()
      listening = true
    },
    stop() {
      listening = false
    },
    async heard(hz) {
      await loaded
      const windowMs = 1024 / 48
      const tone = reckoned.get(hz) ?? { upTo: 0, gap: 0, longest: 0, heard: 0 }
      reckoned.set(hz, tone)
      for (const samples of windows.slice(tone.upTo)) {
        tone.upTo++
        // A fifth of what is sent: codecs and their concealment of losses are not that far off.
        if (strength(samples, hz) > 0.02) {
          tone.gap = 0
          tone.heard++
        } else tone.longest = Math.max(tone.longest, ++tone.gap)
      }
      return {
        longestGapMs: tone.longest * windowMs,
        listenedMs: tone.upTo * windowMs,
        heardMs: tone.heard * windowMs,
      }
    },
  }
}
