import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type BenchOptions, type Figure, median } from '../bench.ts'
import { Lab } from '../join/lab.ts'
import { openStand, type Stand } from '../join/stand.ts'
import { monitoringSwitch } from './monitoring-switch.ts'

/** From when a page has everybody: until it reports, where it does, and how long its frames are then counted. */
const settleMs = 5000
const lookMs = 8000
const pairs = 5
/** Of a display that takes 60 frames a second: where a machine draws so many without monitoring, so many with it. */
const everyFrame = { without: 59.5, with: 59 }
const others = ['Ana', 'Ben', 'Chi']

/** What a page drew while it was looked at. */
export interface Drawn {
  perSecond: number
  /** Frames that came after the next one was due, a minute. */
  latePerMinute: number
  /** Tasks of its main thread that took more than 50 ms, a minute. */
  longTasksPerMinute: number
}

/**
 * How many frames a second one page of a call of four draws, with monitoring and without, in turns. All are linked to
 * each other, which is what monitoring has most to do with. The page has something new to draw for every frame; the others,
 * which share the machine with it, are small and send small pictures.
 */
export async function measureDrawn(folder: string, options: BenchOptions): Promise<Figure[]> {
  const { say, signal, repeat } = options
  const lab = await Lab.build('pcb')
  const closers: (() => unknown)[] = [() => lab.remove()]
  try {
    const stand = await openStand({ lab, folder, meshMax: others.length + 1, signal })
    closers.push(() => stand.close())
    for (const who of others) await sit(stand.a, stand, who, { page: 320, camera: 160 })
    const { page, link } = await sit(stand.b, stand, 'Dan', { page: 640, camera: 320 })
    const monitoring = await monitoringSwitch(page)
    const look = async (on: boolean): Promise<Drawn> => {
      monitoring.on = on
      await page.goto(link)
      await page.waitForFunction(seesAll, others.length, { timeout: 60_000, polling: 200 })
      await sleep(settleMs, undefined, { signal })
      const drawing = page.evaluate(drawFor, lookMs)
      await movePointer(page, drawing)
      const drawn = drawnOf(await drawing)
      // Its one worker is the one that reckons.
      if (page.workers().length !== (on ? 1 : 0))
        throw new Error('monitoring is not as it should be')
      say(`${on ? 'monitored' : 'not monitored'}: ${lineOf(drawn)}`)
      return drawn
    }
    const taken: { on: Drawn; off: Drawn }[] = []
    for (let pair = 0; pair < pairs * repeat; pair++) {
      // There and back: machines get faster and slower, and both take turns at being first.
      const first = await look(pair % 2 === 0)
      const second = await look(pair % 2 !== 0)
      taken.push(pair % 2 === 0 ? { on: first, off: second } : { on: second, off: first })
    }
    return figuresOf(taken)
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** @param widths of the page, 4:3, and of its camera, 16:9 */
async function sit(
  browser: Browser,
  stand: Stand,
  who: string,
  widths: { page: number; camera: number },
) {
  const viewport = { width: widths.page, height: (widths.page * 3) / 4 }
  const context = await browser.newContext({ viewport })
  await cameras(context, widths.camera)
  for (const origin of stand.origins)
    await context.grantPermissions(['camera', 'microphone'], { origin })
  const page = await context.newPage()
  const link = stand.parley('drawn', who)
  await page.goto(link)
  return { page, link }
}

async function cameras(context: BrowserContext, ofWidth: number): Promise<void> {
  await context.addInitScript((width) => {
    const { mediaDevices } = navigator
    const open = mediaDevices.getUserMedia.bind(mediaDevices)
    const camera = { width, height: (width * 9) / 16, frameRate: 10 }
    mediaDevices.getUserMedia = ({ video, ...more } = {}) =>
      open({ ...more, ...(video && { video: camera }) })
  }, ofWidth)
}

/** To and fro, where nothing is to point at: without input Chromium draws two videos and more 30 times a second at most. */
async function movePointer(page: Page, during: Promise<unknown>): Promise<void> {
  let over = false
  const end = () => {
    over = true
  }
  during.then(end, end)
  for (let step = 0; !over; step++) {
    await page.mouse.move(2 + (step % 2), 240)
    await sleep(40)
  }
}

/** Runs in the page. */
function seesAll(count: number): boolean {
  const live = [...document.querySelectorAll('.tile:not(.own) video')].filter(
    (video) => video instanceof HTMLVideoElement && video.currentTime > 1,
  )
  return live.length === count
}

/** When each frame was drawn, in ms, and how many tasks took long. */
type Frames = { atMs: number[]; longTasks: number }

/** Runs in the page: for so long each frame differs from the one before. */
function drawFor(ms: number): Promise<Frames> {
  const mark = document.body.appendChild(document.createElement('div'))
  mark.style.cssText = 'position: fixed; inset: auto auto 0 0; width: 8px; height: 8px'
  let longTasks = 0
  const observer = new PerformanceObserver((list) => {
    longTasks += list.getEntries().length
  })
  observer.observe({ type: 'longtask' })
  const atMs: number[] = []
  return new Promise((resolve) => {
    const draw = (now: number) => {
      mark.style.background = atMs.length % 2 === 0 ? '#888' : '#999'
      atMs.push(now)
      if (now - (atMs[0] ?? now) < ms) return void requestAnimationFrame(draw)
      observer.disconnect()
      mark.remove()
      resolve({ atMs, longTasks })
    }
    requestAnimationFrame(draw)
  })
}

/** Late is a frame of which the one before stood for more than one and a half of a 60th of a second. */
export function drawnOf({ atMs, longTasks }: Frames): Drawn {
  const gaps = atMs.slice(1).map((at, index) => at - (atMs[index] ?? at))
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1000
  const late = gaps.filter((gap) => gap > 1500 / 60).length
  return {
    perSecond: gaps.length / seconds,
    latePerMinute: (late * 60) / seconds,
    longTasksPerMinute: (longTasks * 60) / seconds,
  }
}

function lineOf({ perSecond, latePerMinute, longTasksPerMinute }: Drawn): string {
  return `${perSecond.toFixed(2)} frames a second, a minute ${latePerMinute.toFixed(0)} late and ${longTasksPerMinute.toFixed(0)} long tasks`
}

export function figuresOf(taken: readonly { on: Drawn; off: Drawn }[]): Figure[] {
  const of = (kind: 'on' | 'off', part: keyof Drawn) => taken.map((pair) => pair[kind][part])
  const compared = (part: keyof Drawn) => ({
    value: median(of('on', part)),
    baseline: { name: 'monitoring off', value: median(of('off', part)) },
    spread: [Math.min(...of('on', part)), Math.max(...of('on', part))] as [number, number],
  })
  const { value, baseline, spread } = compared('perSecond')
  return [
    {
      name: 'frames a second that a monitored page draws in a call of four',
      ...{ value, baseline, spread, unit: '' },
      // Of each pair of turns, so that what the machine gave at that time is in both.
      ratio: median(taken.map(({ on, off }) => on.perSecond / off.perSecond)),
      floor: { ratioAtLeast: 0.98 },
    },
    {
      name: '– of the 60 that a display takes',
      ...{ value, unit: '' },
      ...(baseline.value >= everyFrame.without && { floor: { atLeast: everyFrame.with } }),
    },
    { name: '– late, a minute', unit: '', ...compared('latePerMinute') },
    { name: 'tasks of more than 50 ms, a minute', unit: '', ...compared('longTasksPerMinute') },
  ]
}
