import type { Browser, Page } from 'playwright-core'
import { inCallWith, inState } from './pages.ts'

/** Milliseconds, one of each try. */
export type VoiceTimings = {
  /** From the first loud sample at the microphone to the ring on one's own tile (REQ-P10, P11). */
  ownRing: number[]
  /** To the ring that the other one sees, through the whole call. */
  othersRing: number[]
  /** To the sound that the other one's page plays, but for what a loudspeaker takes (REQ-W2). */
  heard: number[]
  /** From a picture that the camera gives to the same on the other one's screen (REQ-W2). */
  seen: number[]
  /** From the last loud sample to the end of the ring on one's own tile (REQ-P12). */
  ownRingEnd: number[]
  /** From the key to the changed button (REQ-P18). */
  shortcut: number[]
  /** From the push-to-talk key to a microphone that is on, and from its release to one that is off. */
  talkOn: number[]
  talkOff: number[]
}

type Marks = Record<'key' | 'microphone' | 'button', number>

declare global {
  interface Window {
    voiceProbe: {
      /** Turns the tone at the microphone on or off. @returns when, in ms since 1970 */
      tone(on: boolean): number
      /** When the tile of that selector last began or ended to speak, as painted. */
      ring(tile: string, on: boolean): Promise<number>
      /** The camera gives a bright picture, or a dark one. @returns when */
      lamp(on: boolean): number
      /** When sound of others is next played, by what an audio element has. */
      heard(): Promise<number>
      /** When the picture of the other one next is bright, or dark. */
      seen(on: boolean): Promise<number>
      marks: Marks
    }
  }
}

/**
 * Measures what a person sees of voices and keys, in a call of two real pages.
 *
 * @param url of a signaling server that serves the built page
 * @param tries how often each is measured
 */
export async function measureVoice(
  browser: Browser,
  url: string,
  tries: number,
): Promise<VoiceTimings> {
  const timings: VoiceTimings = {
    ownRing: [],
    othersRing: [],
    heard: [],
    seen: [],
    ownRingEnd: [],
    shortcut: [],
    talkOn: [],
    talkOff: [],
  }
  const [ana, minh] = await Promise.all(['Ana', 'Minh'].map((name) => open(browser, url, name)))
  if (!ana || !minh) throw new Error('two pages are needed')
  try {
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    for (let index = 0; index < tries; index++) {
      // Each at another phase of whatever timers run.
      await pause(700 + ((index * 37) % 100))
      await speak(ana, minh, timings)
    }
    for (let index = 0; index < tries; index++) await pressKeys(ana, timings)
  } finally {
    for (const page of [ana, minh]) await page.context().close()
  }
  return timings
}

async function speak(ana: Page, minh: Page, timings: VoiceTimings): Promise<void> {
  const own = ana.evaluate(() => window.voiceProbe.ring('.tile.own', true))
  const others = minh.evaluate(() => window.voiceProbe.ring('.tile:not(.own)', true))
  const heard = minh.evaluate(() => window.voiceProbe.heard())
  const began = await ana.evaluate(() => window.voiceProbe.tone(true))
  timings.heard.push((await heard) - began)
  timings.ownRing.push((await own) - began)
  timings.othersRing.push((await others) - began)
  await pause(300)
  const end = ana.evaluate(() => window.voiceProbe.ring('.tile.own', false))
  const othersEnd = minh.evaluate(() => window.voiceProbe.ring('.tile:not(.own)', false))
  const ended = await ana.evaluate(() => window.voiceProbe.tone(false))
  timings.ownRingEnd.push((await end) - ended)
  await othersEnd
  for (const on of [true, false]) {
    const seen = minh.evaluate((on) => window.voiceProbe.seen(on), on)
    const given = await ana.evaluate((on) => window.voiceProbe.lamp(on), on)
    timings.seen.push((await seen) - given)
  }
}

async function pressKeys(page: Page, timings: VoiceTimings): Promise<void> {
  const marks = () => page.evaluate(() => ({ ...window.voiceProbe.marks }))
  await pressOnce(page, timings)
  await page.keyboard.down('Space')
  await pause(60)
  const talking = await marks()
  timings.talkOn.push(talking.microphone - talking.key)
  await page.keyboard.up('Space')
  await pause(60)
  const silent = await marks()
  timings.talkOff.push(silent.microphone - silent.key)
  await pressOnce(page, timings)
}

async function pressOnce(page: Page, timings: VoiceTimings): Promise<void> {
  await page.keyboard.down('m')
  await pause(60)
  const { button, key } = await page.evaluate(() => ({ ...window.voiceProbe.marks }))
  timings.shortcut.push(button - key)
  await page.keyboard.up('m')
}

async function open(browser: Browser, url: string, name: string): Promise<Page> {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
  const page = await context.newPage()
  await page.addInitScript(probe)
  await page.goto(`${url}/r/voices?name=${name}&autojoin=1`)
  await inState(page, 'joined')
  return page
}

/** Runs in the page, before all else: the microphone is a tone, and the camera a lamp, that a test turns on and off. */
function probe(): void {
  const devices = navigator.mediaDevices
  const real = devices.getUserMedia.bind(devices)
  const now = () => performance.timeOrigin + performance.now()
  const marks: Marks = { key: 0, microphone: 0, button: 0 }
  let context: AudioContext | undefined
  let gain: GainNode | undefined
  let lit = false
  const playing: AnalyserNode[] = []
  const level = (node: AnalyserNode) => {
    const samples = new Float32Array(node.fftSize)
    node.getFloatTimeDomainData(samples)
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
  }
  /** Of a camera's size and rate, with something new in each picture. */
  const lampTrack = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 })
    const drawing = canvas.getContext('2d')
    let count = 0
    const draw = () => {
      if (!drawing) return
      drawing.fillStyle = lit ? '#fff' : '#000'
      drawing.fillRect(0, 0, 640, 360)
      drawing.fillStyle = '#888'
      drawing.fillRect((count++ * 7) % 640, 0, 20, 20)
    }
    draw()
    setInterval(draw, 33)
    return canvas.captureStream(30).getVideoTracks()
  }
  const { set, get } = Object.getOwnPropertyDescriptor(
    HTMLMediaElement.prototype,
    'srcObject',
  ) as Required<PropertyDescriptor>
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
    get,
    set(this: HTMLMediaElement, stream: MediaStream | null) {
      set.call(this, stream)
      if (!(this instanceof HTMLAudioElement) || !stream?.getAudioTracks().length) return
      context ??= new AudioContext()
      const node = new AnalyserNode(context, { fftSize: 256 })
      context.createMediaStreamSource(stream).connect(node)
      playing.push(node)
    },
  })

  devices.getUserMedia = async (constraints) => {
    const stream = await real(constraints)
    const [microphone] = stream.getAudioTracks()
    if (!microphone) return stream
    context ??= new AudioContext()
    await context.resume()
    gain = new GainNode(context, { gain: 0 })
    const oscillator = new OscillatorNode(context, { frequency: 440 })
    const out = context.createMediaStreamDestination()
    oscillator.connect(gain).connect(out)
    oscillator.start()
    const [tone] = out.stream.getAudioTracks()
    if (!tone) return stream
    const enabled = Object.getOwnPropertyDescriptor(MediaStreamTrack.prototype, 'enabled')
    Object.defineProperty(tone, 'enabled', {
      get: () => enabled?.get?.call(tone),
      set: (on: boolean) => {
        enabled?.set?.call(tone, on)
        marks.microphone = now()
      },
    })
    for (const camera of stream.getVideoTracks()) camera.stop()
    return new MediaStream([tone, ...lampTrack()])
  }

  const key = (event: KeyboardEvent) => {
    if (!event.repeat) marks.key = performance.timeOrigin + event.timeStamp
  }
  addEventListener('keydown', key, { capture: true })
  addEventListener('keyup', key, { capture: true })
  new MutationObserver((changes) => {
    if (changes.some(({ target }) => target instanceof HTMLButtonElement)) marks.button = now()
  }).observe(document, { subtree: true, attributeFilter: ['aria-label'] })

  window.voiceProbe = {
    marks,
    tone(on) {
      if (gain && context) gain.gain.setValueAtTime(on ? 0.3 : 0, context.currentTime)
      return now()
    },
    lamp(on) {
      lit = on
      return now()
    },
    heard: () =>
      new Promise((resolve) => {
        const timer = setInterval(() => {
          if (!playing.some((node) => level(node) > 0.02)) return
          clearInterval(timer)
          resolve(now())
        }, 4)
      }),
    seen: (on) =>
      new Promise((resolve) => {
        const video = document.querySelector<HTMLVideoElement>('.tile:not(.own) video')
        const canvas = new OffscreenCanvas(1, 1)
        const drawing = canvas.getContext('2d', { willReadFrequently: true })
        const look = () => {
          if (!video || !drawing) return
          // In the first seconds of a call pictures are small.
          const middle = [video.videoWidth / 2, video.videoHeight / 2] as const
          drawing.drawImage(video, ...middle, 1, 1, 0, 0, 1, 1)
          const [red = 0] = drawing.getImageData(0, 0, 1, 1).data
          if (red > 128 === on) resolve(now())
          else video.requestVideoFrameCallback(look)
        }
        look()
      }),
    ring: (tile, on) =>
      new Promise((resolve) => {
        const look = () => {
          const speaking = document.querySelector(tile)?.classList.contains('speaking') ?? false
          if (speaking !== on) return
          observer.disconnect()
          requestAnimationFrame(() => resolve(now()))
        }
        const observer = new MutationObserver(look)
        observer.observe(document, { subtree: true, attributeFilter: ['class'] })
        look()
      }),
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
