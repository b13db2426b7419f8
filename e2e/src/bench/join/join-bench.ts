import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Up } from '@parley/cli'
import type { JoinResponse } from '@parley/protocol'
import type { BrowserContext, Page } from 'playwright-core'
import { type Bench, type BenchOptions, type Figure, percentile } from '../bench.ts'
import { firstFrameMs, smallCameras, watchFirstFrame } from './first-frame.ts'
import { Lab } from './lab.ts'
import { openStand } from './stand.ts'

/**
 * From the link opened to the first frame of somebody else: the page against one with LiveKit's own client and nothing
 * else, on the same livekit-server and the same coturn, in a browser that has had both pages open before; and in a private
 * window of such a one, which has their files and compiles them anew.
 */
export const joinBench: Bench = {
  name: 'join',
  summary: 'link opened to first remote frame, direct and relayed, against LiveKit’s plain client',
  minutes: 7,
  parts: ['mesh', 'sfu'],
  async run(options) {
    const { parts = ['mesh', 'sfu'] } = options
    const folder = await mkdtemp(join(tmpdir(), 'parley-join-bench-'))
    const lab = await Lab.build('pjb')
    try {
      const figures: Figure[] = []
      // A third person is too many for a mesh of two: with two who sit there, it is the SFU that is joined.
      for (const [part, meshMax, sitters] of [
        ['mesh', 4, 1],
        ['sfu', 2, 2],
      ] as const)
        if (parts.includes(part))
          figures.push(...(await measure({ part, meshMax, sitters, lab, folder }, options)))
      return figures
    } finally {
      await lab.remove()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

type Setting = { part: 'mesh' | 'sfu'; meshMax: number; sitters: number; lab: Lab; folder: string }

/** Floors of the median and of the 95th percentile, ms. */
const floors = { direct: [600, 840], relayed: [800, 1070] } as const
const room = 'bench'
const joins = 12
/** Make a browser warm: it keeps a page's files the first time, and its code, compiled, the next. */
const warming = 3
const viewport = { width: 640, height: 480 }

async function measure(
  { part, meshMax, sitters, lab, folder }: Setting,
  { say, signal, repeat }: BenchOptions,
): Promise<Figure[]> {
  const stand = await openStand({ lab, folder, meshMax, iceServers, signal })
  const closers = [() => stand.close()]
  try {
    const { a, b, origins } = stand
    const sitting = await a.newContext({ viewport })
    const own = await lab.launchProfile('b', folder, origins, viewport)
    closers.push(() => own.close())
    signal.addEventListener('abort', () => void own.close().catch(() => {}))
    const privately = await b.newContext({ viewport })
    await Promise.all([sitting, own, privately].map(smallCameras))
    for (const context of [sitting, own, privately])
      for (const origin of origins)
        await context.grantPermissions(['camera', 'microphone'], { origin })

    const pages: Record<string, Link> = {
      parley: (who, relay) => stand.parley(room, who, relay),
      'LiveKit’s client': (who, relay) => stand.plain(room, who, relay),
    }
    const figures: Figure[] = []
    for (const [where, way, joining] of [
      ['', 'direct', own],
      ['', 'relayed', own],
      [', private window', 'direct', privately],
    ] as const) {
      const taken = new Map<string, number[]>()
      for (const [name, link] of Object.entries(pages)) {
        const seats = await sit(sitting, link, sitters)
        const times: number[] = []
        for (let nth = -warming; nth < joins * repeat; nth++) {
          signal.throwIfAborted()
          const ms = await joinOnce(joining, link(`joiner${nth}`, way === 'relayed'))
          if (nth >= 0) times.push(ms)
        }
        taken.set(name, times)
        for (const page of seats) await leave(page)
        say(
          `${part}, ${way}${where}, ${name}: ${percentile(times, 0.5).toFixed(0)} ms, p95 ${percentile(times, 0.95).toFixed(0)} ms`,
        )
      }
      figures.push(...figuresOf(part, way, where, taken))
    }
    return figures
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

type Link = (who: string, relay: boolean) => string

function figuresOf(
  part: string,
  way: 'direct' | 'relayed',
  where: string,
  taken: Map<string, number[]>,
): Figure[] {
  const [ours = [], theirs = []] = [...taken.values()]
  return ([0.5, 0.95] as const).map((quantile, index) => {
    const [value, baseline] = [percentile(ours, quantile), percentile(theirs, quantile)]
    return {
      name: `link opened to first remote frame, ${part}, ${way}${where}, p${quantile * 100}`,
      value,
      unit: 'ms',
      baseline: { name: 'LiveKit’s client', value: baseline },
      ratio: value / baseline,
      floor: { atMost: floors[way][index] as number },
      spread: [Math.min(...ours), Math.max(...ours)],
    }
  })
}

/** Pages that stay in the room, with their cameras on. */
async function sit(context: BrowserContext, link: Link, count: number): Promise<Page[]> {
  const pages: Page[] = []
  for (let index = 0; index < count; index++) {
    const page = await context.newPage()
    await page.goto(link(`sitter${index}`, false))
    await page.waitForFunction(isIn, undefined, { timeout: 30_000 })
    pages.push(page)
  }
  return pages
}

async function joinOnce(context: BrowserContext, link: string): Promise<number> {
  const page = await context.newPage()
  try {
    await watchFirstFrame(page)
    await page.goto(link)
    const ms = await firstFrameMs(page)
    await leave(page)
    return ms
  } finally {
    await page.close()
  }
}

type PageWindow = {
  __parley?: { state: string }
  room?: {
    state: string
    disconnect(): Promise<void>
    localParticipant: { isCameraEnabled: boolean }
  }
}

function isIn(): boolean {
  const { __parley, room } = window as unknown as PageWindow
  return __parley?.state === 'joined' || room?.localParticipant.isCameraEnabled === true
}

/** As somebody does who is done: their seat is free at once. */
async function leave(page: Page): Promise<void> {
  // The button may come after the first picture.
  await page.waitForFunction(() => {
    const { room } = window as unknown as PageWindow
    if (room) {
      void room.disconnect()
      return true
    }
    const button = [...document.querySelectorAll('button')].find((one) =>
      /leave/i.test(one.ariaLabel ?? one.textContent ?? ''),
    )
    button?.click()
    return button !== undefined
  })
  await page.waitForFunction(() => {
    const { __parley, room } = window as unknown as PageWindow
    return __parley?.state === 'left' || room?.state === 'disconnected'
  })
}

async function iceServers(up: Up): Promise<object[]> {
  const response = await fetch(`${up.url}api/rooms/other/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench' }),
  })
  return ((await response.json()) as JoinResponse).iceServers
}
