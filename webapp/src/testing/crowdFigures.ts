/**
 * What a page pays for a room of many people, and how soon it is in: `node webapp/src/testing/crowdFigures.ts [N…]`
 *
 * One real page in a Chromium of its own, and N guests of a {@link Crowd} in another one.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { Crowd } from './Crowd.ts'
import { launchChromium } from './chromium.ts'
import { inCompanyOf, inState } from './pages.ts'
import { startSfuRig } from './sfuRig.ts'
import { pressesOf, watchPage } from './watchedPage.ts'

const lookMs = 10_000
const presses = 40

const sizes = process.argv.slice(2).map(Number)
const [rig, crowds, own] = await Promise.all([
  startSfuRig(2),
  launchChromium(),
  launchChromium({ fps: 10 }),
])
try {
  for (const size of sizes.length > 0 ? sizes : [10, 25, 50]) await measure(size)
} finally {
  await Promise.all([crowds.close(), own.close()])
  await rig.stop()
}

async function measure(size: number): Promise<void> {
  const room = `crowd-${size}`
  const say = (what: string, value: string) => console.log(`${size} people: ${what}: ${value}`)
  const crowd = await Crowd.gather(crowds, rig.url, room)
  await crowd.enter(3)
  const first = await open(room)
  await inCompanyOf(first, 3)
  const stormed = await during(first, () => crowd.enter(size - 3))
  await inCompanyOf(first, size)
  say('while all but three of them come', textOf(stormed))
  await first.context().close()

  const page = await open(room)
  const from = performance.now()
  await inCompanyOf(page, size)
  const { timings } = (await page.evaluate(() => window.__parley)) ?? {}
  say('joined, first sound, first picture', JSON.stringify(timings))
  say('every tile plays (looked at for 0.75 s)', `${Math.round(performance.now() - from)} ms later`)
  await delay(5000)
  const still = await during(page, () => delay(lookMs))
  say(`in ${lookMs / 1000} s of it`, textOf(still))
  const taken = (await pressesOf(page, presses)).toSorted((a, b) => a - b)
  const rank = (part: number) => taken[Math.ceil(part * taken.length) - 1]?.toFixed(1)
  say('key to changed button', `p50 ${rank(0.5)}, p95 ${rank(0.95)}, max ${rank(1)} ms`)
  say('memory', await memoryOf(page))
  await page.context().close()
  await crowd.end()
}

async function open(room: string): Promise<Page> {
  const context = await own.newContext({
    permissions: ['camera', 'microphone'],
    viewport: { width: 1280, height: 720 },
  })
  const page = await context.newPage()
  await watchPage(page)
  await page.goto(`${rig.url}/r/${room}?name=Real&autojoin=1`)
  await inState(page, 'joined')
  return page
}

type Paid = { ms: number; corePercent: number; tasksMs: number[]; kbps: number }

async function during(page: Page, pass: () => Promise<unknown>): Promise<Paid> {
  const bytes = async () =>
    (await page.evaluate(() => window.__parley?.totals()))?.bytesReceived ?? 0
  const [at, seconds, received] = [performance.now(), await cpuSecondsOf(own), await bytes()]
  const count = await page.evaluate(() => window.watched.tasksMs.length)
  await pass()
  const ms = performance.now() - at
  const tasksMs = (await page.evaluate(() => window.watched.tasksMs)).slice(count)
  const corePercent = ((await cpuSecondsOf(own)) - seconds) * (100_000 / ms)
  return { ms, corePercent, tasksMs, kbps: (((await bytes()) - received) * 8) / ms }
}

function textOf({ ms, corePercent, tasksMs, kbps }: Paid): string {
  const [sum, most] = [tasksMs.reduce((all, one) => all + one, 0), Math.max(0, ...tasksMs)]
  return [
    `${(ms / 1000).toFixed(1)} s`,
    `${corePercent.toFixed(1)} % of a core`,
    `${tasksMs.length} tasks above 50 ms, together ${Math.round(sum)}, longest ${Math.round(most)} ms`,
    `${Math.round(kbps)} kbit/s received`,
  ].join('; ')
}

/** Of all processes of a browser, its own included. */
async function cpuSecondsOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0)
}

async function memoryOf(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const browser = await own.newBrowserCDPSession()
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  const residentKib = await Promise.all(
    processInfo.map(async ({ id }) => {
      const status = await readFile(`/proc/${id}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    }),
  )
  const resident = residentKib.reduce((sum, one) => sum + one, 0)
  return `scripts ${Math.round(usedSize / 2 ** 20)} MiB, the browser ${Math.round(resident / 1024)} MiB`
}
