import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type {
  ClientToServerEvents,
  JoinResponse,
  RoomMedia,
  RoomSnapshot,
  ServerToClientEvents,
} from '@parley/protocol'
import type { Room as LiveKitRoom, TrackPublishOptions } from 'livekit-client'
import type { Browser, Page } from 'playwright-core'
import { io, type Socket } from 'socket.io-client'

type RoomSocket = Socket<ServerToClientEvents, ClientToServerEvents>

/** Somebody in the room: a seat and a socket of their own, and media by a page that all of them share. */
export type Guest = { index: number; id: string; name: string; socket: RoomSocket; heard: string[] }

const firstNames =
  'Ana Minh Kofi Sofia Jonas Aiko Omar Linh Eva Tomás Zoë Ravi Mei Lars Amara Youssef Nina Pablo Hana Igor Lucía Sam Thu Björn Adaeze'.split(
    ' ',
  )

/** No two are alike. */
export const guestName = (index: number): string =>
  `${firstNames[index % firstNames.length]} ${'KTBRMDLS'[Math.floor(index / firstNames.length)] ?? index}.`

const answerMs = 20_000
/** So many come at a time. */
const atOnce = 5

/**
 * Many people in one room on the SFU for little processor time: each has joined as a page does, with a token, a socket and
 * a seat, and is connected to the SFU by a connection of their own, over which they send a tiny picture that moves and a
 * tone. They receive nothing, and so cost as good as nothing but what they send.
 */
export class Crowd {
  /** In the order in which they came. */
  readonly guests: Guest[] = []
  readonly #page: Page
  readonly #url: string
  readonly #room: string
  #count = 0

  private constructor(page: Page, url: string, room: string) {
    this.#page = page
    this.#url = url
    this.#room = room
  }

  /** @param url of what serves signaling, and the SFU at `/rtc` */
  static async gather(browser: Browser, url: string, room: string): Promise<Crowd> {
    // The script is none of the server's, whose origin it needs.
    const context = await browser.newContext({ bypassCSP: true })
    const page = await context.newPage()
    await page.goto(`${url}/readyz`)
    const main = createRequire(import.meta.url).resolve('livekit-client')
    await page.addScriptTag({ path: join(main, '..', 'livekit-client.umd.js') })
    await page.evaluate(prepare)
    return new Crowd(page, url, room)
  }

  /** So many more; resolves when each of them sends. The first ones have to be three or more, as rooms of less are no SFU's. */
  async enter(count: number): Promise<Guest[]> {
    const come: Guest[] = []
    while (come.length < count) {
      const next = Math.min(atOnce, count - come.length)
      come.push(...(await Promise.all(Array.from({ length: next }, () => this.#enterOne()))))
    }
    return come
  }

  /** By hand: nobody waits for them to come back. */
  async leave(guest: Guest): Promise<void> {
    this.guests.splice(this.guests.indexOf(guest), 1)
    await guest.socket.timeout(answerMs).emitWithAck('room:leave', {})
    guest.socket.disconnect()
    await this.#page.evaluate((index) => window.crowd.leave(index), guest.index)
  }

  /** Their tone becomes loud, or as quiet as before. */
  async speak(guest: Guest, loud: boolean): Promise<void> {
    await this.#page.evaluate(([index, loud]) => window.crowd.speak(index, loud), [
      guest.index,
      loud,
    ] as const)
  }

  async say(guest: Guest, text: string): Promise<void> {
    const id = randomUUID()
    await confirmed(guest.socket.timeout(answerMs).emitWithAck('chat:send', { id, text }))
  }

  async raiseHand(guest: Guest, raised: boolean): Promise<void> {
    await confirmed(guest.socket.timeout(answerMs).emitWithAck('hand:set', { raised }))
  }

  async end(): Promise<void> {
    for (const { socket } of this.guests) socket.disconnect()
    await this.#page.context().close()
  }

  async #enterOne(): Promise<Guest> {
    const index = this.#count++
    const name = guestName(index)
    const response = await fetch(`${this.#url}/api/rooms/${this.#room}/join`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    })
    if (!response.ok) throw new Error(`join answered ${response.status}: ${await response.text()}`)
    const { token, participantId } = (await response.json()) as JoinResponse
    const options = { auth: { token }, transports: ['websocket'], forceNew: true }
    const socket: RoomSocket = io(this.#url, options)
    const heard: string[] = []
    socket.on('chat:message', ({ text }) => void heard.push(text))
    socket.on('participant:hand', ({ at }) => void heard.push(at === null ? 'down' : 'up'))
    const moved = new Promise<void>((resolve) =>
      socket.on('room:media', ({ mode }) => mode === 'sfu' && resolve()),
    )
    const media = { audio: true, video: true }
    const { media: way } = await confirmed<RoomSnapshot>(
      socket.timeout(answerMs).emitWithAck('room:join', { media }),
    )
    await this.#page.evaluate(([index, token]) => window.crowd.enter(index, token), [
      index,
      way.mode === 'sfu' ? way.token : await tokenAfter(moved, socket),
    ] as const)
    const guest = { index, id: participantId, name, socket, heard }
    this.guests.push(guest)
    return guest
  }
}

/** The room is a mesh still, and moves when there are enough of them. */
async function tokenAfter(moved: Promise<void>, socket: RoomSocket): Promise<string> {
  await moved
  const { media } = await confirmed<{ media: RoomMedia }>(
    socket.timeout(answerMs).emitWithAck('media:refresh', {}),
  )
  if (media.mode !== 'sfu') throw new Error('the room is a mesh')
  return media.token
}

async function confirmed<T>(
  answer: Promise<{ ok: true; data: T } | { ok: false; error: { message: string } }>,
): Promise<T> {
  const answered = await answer
  if (!answered.ok) throw new Error(answered.error.message)
  return answered.data
}

declare global {
  interface Window {
    crowd: {
      enter(index: number, token: string): Promise<void>
      leave(index: number): Promise<void>
      speak(index: number, loud: boolean): void
    }
    LivekitClient: typeof import('livekit-client')
  }
}

/** Runs in the page that sends for all of them. */
function prepare(): void {
  const [width, height, fps] = [160, 90, 4]
  const { Room, Track } = window.LivekitClient
  const context = new AudioContext({ sinkId: { type: 'none' } } as AudioContextOptions)
  const people = new Map<number, { room: LiveKitRoom; voice: GainNode; draw(): void }>()
  const quiet = 0.001

  /** Head and shoulders before a wall, and a dot that goes round: no two pictures are alike. */
  const pictureOf = (index: number) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height })
    const drawing = canvas.getContext('2d') as CanvasRenderingContext2D
    const hue = (index * 47) % 360
    const disc = (fill: string, x: number, y: number, w: number, h: number) => {
      drawing.fillStyle = fill
      drawing.beginPath()
      drawing.ellipse(x, y, w, h, 0, 0, 2 * Math.PI)
      drawing.fill()
    }
    let count = 0
    const draw = () => {
      drawing.fillStyle = `hsl(${hue} 26% 78%)`
      drawing.fillRect(0, 0, width, height)
      disc(`hsl(${(hue + 150) % 360} 38% 38%)`, 80, 98, 42, 34)
      disc(`hsl(26 ${36 + (index % 3) * 8}% ${38 + ((index * 7) % 40)}%)`, 80, 42, 17, 21)
      disc(`hsl(${20 + (index % 4) * 8} 40% ${8 + ((index * 5) % 30)}%)`, 80, 25, 18, 10)
      const turn = (count++ / fps) * 2
      disc('#ffffffb0', 80 + 66 * Math.cos(turn), 45 + 36 * Math.sin(turn), 4, 4)
    }
    draw()
    return { track: canvas.captureStream(fps).getVideoTracks()[0] as MediaStreamTrack, draw }
  }
  const voiceOf = (index: number) => {
    const out = context.createMediaStreamDestination()
    const voice = new GainNode(context, { gain: quiet })
    const tone = new OscillatorNode(context, { frequency: 200 + 11 * index })
    tone.connect(voice).connect(out)
    tone.start()
    return { track: out.stream.getAudioTracks()[0] as MediaStreamTrack, voice }
  }
  setInterval(() => {
    for (const { draw } of people.values()) draw()
  }, 1000 / fps)

  window.crowd = {
    async enter(index, token) {
      await context.resume()
      const room = new Room()
      await room.connect(location.origin.replace(/^http/, 'ws'), token, { autoSubscribe: false })
      const [{ track: video, draw }, { track: audio, voice }] = [pictureOf(index), voiceOf(index)]
      people.set(index, { room, voice, draw })
      const small: TrackPublishOptions = {
        source: Track.Source.Camera,
        simulcast: false,
        videoCodec: 'vp8',
        videoEncoding: { maxBitrate: 60_000, maxFramerate: fps + 1 },
      }
      await Promise.all([
        room.localParticipant.publishTrack(video, small),
        room.localParticipant.publishTrack(audio, { source: Track.Source.Microphone, red: false }),
      ])
    },
    async leave(index) {
      await people.get(index)?.room.disconnect()
      people.delete(index)
    },
    speak(index, loud) {
      const { voice } = people.get(index) ?? {}
      voice?.gain.setValueAtTime(loud ? 0.3 : quiet, context.currentTime)
    },
  }
}
