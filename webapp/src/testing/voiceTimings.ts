import type { Browser, Page } from 'playwright-core'
import { inCallWith, inState } from './pages.ts'

/** Milliseconds, one of each try. */
export type VoiceTimings = {
  /** From the first loud sample at the microphone to the ring on one's own tile (REQ-P10, P11). */
  ownRing: number[]
  /** To the ring that the other one sees, through the whole call. */
  othersRing: number[]
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
  const began = await ana.evaluate(() => window.voiceProbe.tone(true))
  timings.ownRing.push((await own) - began)
  timings.othersRing.push((await others) - began)
  await pause(300)
  const end = ana.evaluate(() => window.voiceProbe.ring('.tile.own', false))
  const othersEnd = minh.evaluate(() => window.voiceProbe.ring('.tile:not(.own)', false))
  const ended = await ana.evaluate(() => window.voiceProbe.tone(false))
  timings.ownRingEnd.push((await end) - ended)
  await othersEnd
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

/** Runs in the page, before all else: the microphone is a tone that a test turns on and off. */
function probe(): void {
  const devices = navigator.mediaDevices
  const real = devices.getUserMedia.bind(devices)
  const now = () => performance.timeOrigin + performance.now()
  const marks: Marks = { key: 0, microphone: 0, button: 0 }
  let context: AudioContext | undefined
  let gain: GainNode | undefined

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
    return new MediaStream([tone, ...stream.getVideoTracks()])
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
