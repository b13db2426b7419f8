import type { Browser, Page } from 'playwright-core'
import { inState, untilPage } from './pages.ts'
import { type Heard, heardOf, listen, soundTone, stopListening, toneHz } from './tone.ts'

/** Of those who come, one after the other. */
export const names = ['Ana', 'Minh', 'Kofi', 'Sofia', 'Jonas', 'Aiko', 'Omar', 'Linh']

/** People in one room, each of whom sounds a tone of their own: who misses whom, and for how long, is measured. */
export class Chorus {
  /** In the order in which they came. */
  readonly people: Page[] = []
  readonly #browser: Browser
  readonly #roomUrl: string
  readonly #tones = new Map<Page, number>()

  constructor(browser: Browser, roomUrl: string) {
    this.#browser = browser
    this.#roomUrl = roomUrl
  }

  /** One more, who is on the way in. */
  async invite(): Promise<Page> {
    const context = await this.#browser.newContext({
      permissions: ['camera', 'microphone'],
      // A few tiles a page: an SFU sends nothing for those on another one, and all share one machine.
      viewport: { width: 320, height: 240 },
      reducedMotion: 'reduce',
      // The module that counts samples is none of the page's.
      bypassCSP: true,
    })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    const index = this.#tones.size
    await soundTone(page, index)
    await page.addInitScript(countWays)
    // All of them share one machine, which encodes the picture of each for each in a mesh.
    await page.addInitScript(() => {
      localStorage.setItem('parley.preferences', JSON.stringify({ quality: 'low' }))
    })
    this.people.push(page)
    this.#tones.set(page, index)
    await page.goto(`${this.#roomUrl}?name=${names[index]}&autojoin=1`)
    return page
  }

  /** So many more, one after the other. */
  async enter(count = 1): Promise<Page[]> {
    const come: Page[] = []
    for (let nth = 0; nth < count; nth++) {
      const page = await this.invite()
      await inState(page, 'joined')
      come.push(page)
    }
    return come
  }

  /** This one leaves by hand. */
  async leave(page: Page): Promise<void> {
    this.people.splice(this.people.indexOf(page), 1)
    await page.keyboard.press('d')
    await inState(page, 'left')
    await page.context().close()
  }

  /** Until each hears each other one; what was missed before that is forgotten. */
  async hearEachOther(): Promise<void> {
    await this.listen()
    await Promise.all(
      this.people.map((page) => {
        const heard = async (tones: number[]) => {
          const all = await Promise.all(tones.map((hz) => window.tones.heard(hz)))
          return all.every(({ heardMs }) => heardMs > 200)
        }
        const others = this.people.filter((other) => other !== page)
        const tones = others.map((other) => toneHz(this.#tones.get(other) ?? 0))
        return untilPage(page, 'everybody heard', heard, tones, { everyMs: 250 })
      }),
    )
    await this.listen()
  }

  /** From now on; what was heard so far is forgotten. */
  async listen(): Promise<void> {
    await Promise.all(this.people.map(listen))
  }

  /**
   * Ends listening. The longest that anybody of `among` was missed by anybody of them meanwhile.
   * @throws where it was listened to for less than half a second
   */
  async longestGapMs(label: string, among: readonly Page[] = this.people): Promise<number> {
    await Promise.all(this.people.map(stopListening))
    const all: (Heard & { who: string })[] = []
    for (const page of among)
      for (const other of among) {
        const [own, tone] = [this.#tones.get(page) ?? 0, this.#tones.get(other) ?? 0]
        const who = `${names[tone]} at ${names[own]}'s`
        if (other !== page) all.push({ ...(await heardOf(page, tone)), who })
      }
    const [worst] = all.toSorted((a, b) => b.longestGapMs - a.longestGapMs)
    const longest = worst?.longestGapMs ?? 0
    const listened = Math.min(...all.map(({ listenedMs }) => listenedMs))
    process.stderr.write(
      `${label}: ${worst?.who} missed for ${Math.round(longest)} ms, the longest, of ${Math.round(listened)} ms\n`,
    )
    if (listened < 500) throw new Error(`${label}: listened to for ${listened} ms`)
    return longest
  }

  /** How many connections each has made so far, in the order in which they came: to who is there, or to the SFU. */
  async waysOf(among: readonly Page[]): Promise<(number | undefined)[]> {
    return Promise.all(among.map((page) => page.evaluate(() => (window as { ways?: number }).ways)))
  }

  async end(): Promise<void> {
    await Promise.all(this.people.map((page) => page.context().close()))
  }
}

/** Runs in the page. Each try of LiveKit's client to begin anew takes a socket, and each connection is one of the browser's. */
function countWays(): void {
  const page = window as { ways?: number }
  const count = () => {
    page.ways = (page.ways ?? 0) + 1
  }
  const { RTCPeerConnection: Connection, WebSocket: Socket } = window
  window.RTCPeerConnection = class extends Connection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      count()
    }
  }
  window.WebSocket = class extends Socket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      if (new URL(url, location.href).pathname.startsWith('/rtc')) count()
    }
  }
}
