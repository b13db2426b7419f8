/** A meeting that grows and shrinks: who sees and hears whom, and how long voices are missed on the way. */
import { type CpuInfo, cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { Chorus, names } from './testing/Chorus.ts'
import { launchChromium } from './testing/chromium.ts'
import { inCompanyOf, onlyShownSent, overMesh, overSfu, peopleOnPages } from './testing/pages.ts'
import { startSfuRig } from './testing/sfuRig.ts'

/** Nobody is missed for longer, whether the room moves, or people come or leave. */
const longestGapMs = 1000
/** Of the processors, while pages are loaded that share them: below it what a page does not get says nothing of the page. */
const leastIdle = 0.05
const meshMax = 4
/** How long a room has to be small to go back to the mesh. */
const returnSeconds = 2

let rig: Awaited<ReturnType<typeof startSfuRig>>
let browser: Browser

beforeAll(async () => {
  // Few frames: all of them share one machine.
  ;[browser, rig] = await Promise.all([
    launchChromium({ fps: 4 }),
    startSfuRig(meshMax, returnSeconds),
  ])
}, 300_000)
afterAll(async () => {
  await browser?.close()
  await rig?.stop()
}, 60_000)

it('REQ-K8, W2: four meet in a mesh, eight on the SFU, three in a mesh again: each sees and hears each, all the time', async () => {
  const all = new Chorus(browser, `${rig.url}/r/company`)
  const everybody = (way: (page: Page) => Promise<void>) => Promise.all(all.people.map(way))
  const meet = async () => {
    await everybody((page) => inCompanyOf(page, all.people.length - 1))
    await all.hearEachOther()
  }

  const four = await all.enter(meshMax)
  await meet()
  await everybody(overMesh)

  await all.enter()
  await everybody((page) => inCompanyOf(page, meshMax))
  await everybody(overSfu)
  expect(await all.longestGapMs('from the mesh to the SFU', four)).toBeLessThan(longestGapMs)

  await meet()
  const five = [...all.people]
  const [ways, since] = [await all.waysOf(five), cpus()]
  const late = await all.enter(3)
  await everybody((page) => inCompanyOf(page, 7))
  const idle = idleSince(since)
  const gapWhileLoadingMs = await all.longestGapMs('three more come', five)
  process.stderr.write(
    `processors idle meanwhile: ${(100 * idle).toFixed(1)} %, connections before: ${ways.join(', ')}\n`,
  )
  // However busy everybody is, nobody takes that for a cut, and begins anew.
  expect(await all.waysOf(five)).toEqual(ways)
  // A page that gets no processor sends and plays nothing: who is missed then is told, and counts where there was some left.
  if (idle > leastIdle) expect(gapWhileLoadingMs).toBeLessThan(longestGapMs)
  await meet()
  // Whoever has no room on one page of the grid is on another one.
  const last = late.at(-1) as Page
  await onlyShownSent(last)
  expect(await peopleOnPages(last, 7)).toEqual(names.slice(0, 7).sort())

  // As many as a mesh takes: so the room stays, however long.
  for (const page of late) await all.leave(page)
  await all.leave(all.people[0] as Page)
  await delay(3 * returnSeconds * 1000)
  await everybody((page) => inCompanyOf(page, meshMax - 1))
  await everybody(overSfu)
  expect(await all.longestGapMs('four leave')).toBeLessThan(longestGapMs)

  await meet()
  await all.leave(all.people[0] as Page)
  await everybody((page) => inCompanyOf(page, meshMax - 2))
  await everybody(overMesh)
  expect(await all.longestGapMs('from the SFU to the mesh')).toBeLessThan(longestGapMs)
  await meet()
  await all.end()
}, 600_000)

/** Of the time of all processors, between 0 and 1. @param before as they were then */
function idleSince(before: readonly CpuInfo[]): number {
  const sum = (all: readonly CpuInfo[], of: (times: CpuInfo['times']) => number) =>
    all.reduce((total, { times }) => total + of(times), 0)
  const now = cpus()
  const passed = (of: (times: CpuInfo['times']) => number) => sum(now, of) - sum(before, of)
  const busy = passed(({ user, nice, sys, irq }) => user + nice + sys + irq)
  const idle = passed((times) => times.idle)
  return idle / (busy + idle)
}
