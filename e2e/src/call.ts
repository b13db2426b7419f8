/** A real call: headless Chromiums with fake camera and microphone, driven through the webapp. */
import { setTimeout as delay } from 'node:timers/promises'
import { findProgram } from '@parley/devcluster'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { watchFreezesOfEarlierPages } from './earlier-page.ts'
import {
  type ConnectionAccount,
  hush,
  keepTransportLedger,
  readTransportLedger,
} from './transport-ledger.ts'

export type Guest = {
  name: string
  relay: boolean
  /** Without one, as where none is plugged in; by default there is one. */
  camera?: boolean
}

/** What a page says of its connection to one other participant; from the browser's getStats(). */
export type PeerView = {
  id: string
  name: string
  connectionState: string
  usingRelay: boolean
  localCandidateType: string | null
  remoteCandidateType: string | null
  framesDecoded: number
}

export type Seat = {
  guest: Guest
  participantId: string
  joinMs: number
  /** At the end of the call, while everybody was still there. */
  peers: PeerView[]
  /** Each connection that the browser has had, to its end. */
  connections: ConnectionAccount[]
}

export type CallResult = { seats: Seat[]; mediaSeconds: number }

export class CallFailed extends Error {
  readonly code = 'CALL_FAILED'
}

type Hook = {
  state: string
  participantId?: string
  joinMs?: number
  peers(): Promise<PeerView[]>
  freezes(): Promise<Freeze[]>
  resetFreezes(): void
}

type HookWindow = { __parley: Hook }

/**
 * How a remote participant's video came, since the last reset; from `window.__parley`. `seenMs`: when the longest
 * time without a frame was over, or was last seen to go on, in ms since the epoch.
 */
export type Freeze = { peerId: string; longestMs: number; seenMs: number; framesDecoded: number }

/**
 * Guests in one room, each in a browser of its own or in a profile of their own in one that they share, connected to
 * one another. `close` ends these without a word to the server; `leave` does it properly.
 */
export class LiveCall {
  readonly guests: readonly Guest[]
  readonly #homes: Home[]
  readonly #pages: Page[]

  private constructor(guests: readonly Guest[], homes: Home[], pages: Page[]) {
    this.guests = guests
    this.#homes = homes
    this.#pages = pages
  }

  /**
   * Seats every guest and waits until each decodes video of each other who has a camera.
   *
   * @param url origin of the webapp, `http://…`
   * @throws CallFailed naming who did not get what, when a guest is not connected to every other in
   *   `connectTimeoutMs`
   */
  static async start(options: {
    url: string
    room: string
    guests: readonly Guest[]
    /** Shared by all, and left open. Default: one for each. */
    browser?: Browser
    connectTimeoutMs?: number
    onProgress?: (line: string) => void
    /** Each page before it is opened. */
    onPage?: (page: Page, guest: Guest) => void
  }): Promise<LiveCall> {
    const { url, room, guests, browser: shared, onProgress = () => {} } = options
    const homes: Home[] = []
    const pages: Page[] = []
    try {
      for (const guest of guests) {
        const browser = shared ?? (await launchChromium(url))
        if (!shared) homes.push(browser)
        const context = await (shared ? modestContext(browser) : browser.newContext(LARGE))
        if (shared) homes.push(context)
        pages.push(await openPage(context, url, room, guest, options.onPage))
        onProgress(`${guest.name} is on the way${guest.relay ? ', relay only' : ''}`)
      }
      const deadline = Date.now() + (options.connectTimeoutMs ?? 60_000)
      await everyoneSeesEveryone(pages, guests, deadline, onProgress)
      return new LiveCall(guests, homes, pages)
    } catch (error) {
      await Promise.all(homes.map((home) => home.close()))
      throw error
    }
  }

  /** What each guest sees of the others, in the order of the guests. */
  peers(): Promise<PeerView[][]> {
    return Promise.all(this.#pages.map(peersOf))
  }

  /** Forgets the freezes so far. */
  async resetFreezes(): Promise<void> {
    await Promise.all(
      this.#pages.map((page) =>
        page.evaluate(() => (window as unknown as HookWindow).__parley.resetFreezes()),
      ),
    )
  }

  /** The longest time without a new frame, at each guest of each other, in the order of the guests. */
  freezes(): Promise<Freeze[][]> {
    return Promise.all(
      this.#pages.map((page) =>
        page.evaluate(async () => {
          const freezes = await (window as unknown as HookWindow).__parley.freezes()
          return freezes.map((one) => ({ ...one, seenMs: performance.timeOrigin + one.seenMs }))
        }),
      ),
    )
  }

  /** From now on nobody sends media. */
  async hush(): Promise<void> {
    await hush(this.#pages)
  }

  /** Everybody leaves by the button; what each had to say. */
  async leave(): Promise<Omit<Seat, 'guest' | 'peers'>[]> {
    return Promise.all(this.#pages.map(leaveWithAccount))
  }

  async close(): Promise<void> {
    await Promise.all(this.#homes.map((home) => home.close()))
  }
}

/**
 * Seats every guest in the room, holds the call until each has received `mediaSeconds` of media
 * from each other, reads their statistics, and lets them leave by the button.
 *
 * @throws CallFailed as {@link LiveCall.start} does, and when somebody's video does not go on
 */
export async function holdCall(options: {
  url: string
  room: string
  guests: readonly Omit<Guest, 'camera'>[]
  mediaSeconds: number
  connectTimeoutMs?: number
  onProgress?: (line: string) => void
  /** Runs while everybody is still in the call. */
  beforeLeaving?: () => Promise<void>
}): Promise<CallResult> {
  const { guests, mediaSeconds, onProgress = () => {} } = options
  const call = await LiveCall.start(options)
  try {
    const start = await call.peers()
    const startedAt = Date.now()
    while (Date.now() - startedAt < mediaSeconds * 1000) {
      await delay(Math.min(1000, Math.max(50, mediaSeconds * 1000 - (Date.now() - startedAt))))
      onProgress(`talking: ${((Date.now() - startedAt) / 1000).toFixed(0)} of ${mediaSeconds} s`)
    }
    const heldSeconds = (Date.now() - startedAt) / 1000

    await options.beforeLeaving?.()
    const end = await call.peers()
    for (const [index, guest] of guests.entries())
      everyPeerGaveVideo(guest, start[index], end[index])
    await call.hush()
    const left = await call.leave()
    const seats = guests.map((guest, index) => ({
      guest,
      peers: end[index] as PeerView[],
      ...(left[index] as Omit<Seat, 'guest' | 'peers'>),
    }))
    return { seats, mediaSeconds: heldSeconds }
  } finally {
    await call.close()
  }
}

/** What ends with a guest's part in a call. */
type Home = Pick<BrowserContext, 'close'>

const LARGE = { viewport: { width: 1280, height: 800 } }

/** A profile where many share a machine: they draw little, send small pictures, and hear microphones as they are. */
async function modestContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: 480, height: 360 },
    reducedMotion: 'reduce',
  })
  const chosen = {
    quality: 'low',
    ...{ echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  }
  await context.addInitScript(
    (preferences) => localStorage.setItem('parley.preferences', preferences),
    JSON.stringify(chosen),
  )
  return context
}

/**
 * Chromium as the demo uses it: fake media, and the demo's origin trusted like https.
 * @param options.fps frames a second of each camera: how hard the machine has to work
 */
export function launchChromium(origin: string, { fps = 20 } = {}): Promise<Browser> {
  const executablePath = findProgram('chromium')
  if (!executablePath)
    throw new CallFailed('there is no Chromium on this machine: sudo apt-get install chromium')
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      `--use-fake-device-for-media-stream=fps=${fps}`,
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      `--unsafely-treat-insecure-origin-as-secure=${origin}`,
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
    ],
  })
}

async function openPage(
  context: BrowserContext,
  url: string,
  room: string,
  guest: Guest,
  onPage: (page: Page, guest: Guest) => void = () => {},
): Promise<Page> {
  await context.grantPermissions(['camera', 'microphone'], { origin: url })
  const page = await context.newPage()
  onPage(page, guest)
  if (guest.camera === false) await page.addInitScript(withoutCamera)
  await keepTransportLedger(page)
  await watchFreezesOfEarlierPages(page)
  const query = new URLSearchParams({ name: guest.name, autojoin: '1' })
  if (guest.relay) query.set('relay', '1')
  await page.goto(`${url}/r/${room}?${query}`)
  return page
}

/** Runs in the page. */
function withoutCamera(): void {
  const { mediaDevices } = navigator
  const open = mediaDevices.getUserMedia.bind(mediaDevices)
  mediaDevices.getUserMedia = async (asked) => {
    if (asked?.video) throw new DOMException('there is none', 'NotFoundError')
    return open(asked)
  }
}

async function everyoneSeesEveryone(
  pages: readonly Page[],
  guests: readonly Guest[],
  deadline: number,
  onProgress: (line: string) => void,
): Promise<void> {
  for (;;) {
    const views = await Promise.all(pages.map(peersOf))
    const missing = views.flatMap((peers, index) => {
      const others = guests.filter((_, other) => other !== index)
      const connected = peers.filter((p) => p.connectionState === 'connected')
      const seen = connected.filter(({ framesDecoded }) => framesDecoded > 0)
      const all =
        connected.length === others.length &&
        seen.length === others.filter(({ camera }) => camera !== false).length
      return all ? [] : [guests[index]?.name ?? '?']
    })
    if (missing.length === 0) return
    onProgress(`waiting for video at ${missing.join(', ')}`)
    if (Date.now() > deadline)
      throw new CallFailed(
        `no video from everyone at ${missing.join(', ')}; the connections were ${JSON.stringify(views)}`,
      )
    await delay(250)
  }
}

function peersOf(page: Page): Promise<PeerView[]> {
  return page.evaluate(
    async () => (await (window as unknown as { __parley?: Hook }).__parley?.peers()) ?? [],
  )
}

function everyPeerGaveVideo(guest: Guest, start: PeerView[] = [], end: PeerView[] = []): void {
  for (const { id, name, framesDecoded } of end) {
    const before = start.find((peer) => peer.id === id)?.framesDecoded ?? 0
    if (framesDecoded <= before)
      throw new CallFailed(`${guest.name} decoded no video of ${name} during the call`)
  }
}

/** The leave button, and what the browser counted until its connections were closed by that. */
async function leaveWithAccount(page: Page): Promise<Omit<Seat, 'guest' | 'peers'>> {
  // It comes after the first pictures.
  const button = page.getByRole('button', { name: /leave/i }).first()
  await button.waitFor()
  const last = await button.evaluate((leave: HTMLElement) => {
    const { participantId = '', joinMs = Number.NaN } = (window as unknown as HookWindow).__parley
    leave.click()
    return { participantId, joinMs }
  })
  await page.waitForFunction(
    () => (window as unknown as { __parley?: Hook }).__parley?.state === 'left',
  )
  return { ...last, connections: await readTransportLedger(page) }
}
