/** One of two people loses the network for a while: what both see of it, in a mesh and on the SFU. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { Lab } from './bench/join/lab.ts'
import { openStand } from './bench/join/stand.ts'
import { cutOff, meet } from './bench/reconnect/two.ts'
import { seenOf } from './bench/reconnect/watch.ts'

const lab = 'pcs'
/** Seconds, and within how many ms of the restore media has to be live. */
const cuts = [
  [1, 500],
  [5, 500],
  [20, 2000],
] as const
const shownMs = 1000
/** Within this time of a cut that was shorter than the way is given up for, pictures are as large as before. */
const largeAgainMs = 8000
/** Between two cuts: whatever the one before has set off is over, and nothing is taken for another one. */
const calmMs = { settling: 2000, watched: 3000 }

describe.each(['mesh', 'sfu'] as const)('a cut of one of two on the %s', (part) => {
  const closers: (() => unknown)[] = []
  const stop = new AbortController()
  let pages: [Page, Page]

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-cuts-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const network = await Lab.build(lab)
    closers.push(() => network.remove())
    const stand = await openStand({
      ...{ lab: network, folder, signal: stop.signal },
      meshMax: part === 'mesh' ? 4 : 2,
    })
    closers.push(() => stand.close())
    pages = await meet(stand, (who) => stand.parley('cuts', who), part === 'sfu')
    await Promise.all(pages.map(count))
  }, 300_000)
  afterAll(async () => {
    for (const close of closers.toReversed()) await close()
  }, 60_000)

  it.each(cuts)(
    'REQ-W1, P7: for %i s: shown to both until it is over, nobody is taken for gone, live again',
    async (seconds, liveMs) => {
      await delay(calmMs.settling)
      const before = await Promise.all(pages.map(holds))
      await delay(calmMs.watched)
      expect(await Promise.all(pages.map(holds))).toEqual(before)
      const heights = await Promise.all(pages.map(heightOfOther))
      const { cutAtMs, restoredAtMs } = await cutOff(`${lab}-b`, seconds, stop.signal)
      const seen = await Promise.all(
        pages.map((page) => seenOf(page, cutAtMs, restoredAtMs, 30_000)),
      )
      const shown = seen.map(({ shownAtMs = Infinity }) => shownAtMs - cutAtMs)
      const live = seen.map(({ liveAtMs = Infinity }) => liveAtMs - restoredAtMs)
      process.stderr.write(
        `${part}, ${seconds} s: shown after ${shown.join(' and ')} ms, live after ${live.join(' and ')} ms\n`,
      )
      expect(Math.max(...shown)).toBeLessThanOrEqual(shownMs)
      expect(seen.map(({ takenBackAtMs }) => takenBackAtMs)).toEqual([undefined, undefined])
      expect(Math.max(...live)).toBeLessThanOrEqual(liveMs)
      expect(await Promise.all(pages.map(fewestPeople))).toEqual([1, 1])
      expect(await holds(pages[1])).toBeGreaterThan(before[1] ?? 0)
      // In a mesh, and after long cuts, browsers find out anew what the path takes.
      if (part === 'mesh' || seconds > 5) return
      await Promise.all(pages.map((page, index) => untilAsLarge(page, heights[index] ?? 0)))
    },
    120_000,
  )
})

type Counted = {
  /** How many others the page has listed at least. */
  fewest?: number
  /** How often a picture was taken off its sender. */
  holds?: number
  __parley?: { links: unknown[] }
}

/** From now on. */
const count = (page: Page) =>
  page.evaluate(() => {
    const counted = window as unknown as Counted
    setInterval(() => {
      counted.fewest = Math.min(counted.fewest ?? Infinity, counted.__parley?.links.length ?? 0)
    }, 20)
    counted.holds = 0
    const { replaceTrack } = RTCRtpSender.prototype
    RTCRtpSender.prototype.replaceTrack = function (track) {
      if (!track) counted.holds = (counted.holds ?? 0) + 1
      return replaceTrack.call(this, track)
    }
  })
const fewestPeople = (page: Page) => page.evaluate(() => (window as unknown as Counted).fewest)
const holds = (page: Page) => page.evaluate(() => (window as unknown as Counted).holds ?? 0)

/** Of the other's picture as it comes, in pixels. */
const heightOfOther = (page: Page) =>
  page.evaluate(
    () => document.querySelector<HTMLVideoElement>('.tile:not(.own) video')?.videoHeight,
  )
const untilAsLarge = (page: Page, height: number) =>
  page.waitForFunction(
    (least) => {
      const video = document.querySelector<HTMLVideoElement>('.tile:not(.own) video')
      return (video?.videoHeight ?? 0) >= least
    },
    height,
    { polling: 100, timeout: largeAgainMs },
  )
