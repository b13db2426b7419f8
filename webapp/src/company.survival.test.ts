/** A meeting that grows and shrinks: who sees and hears whom, and how long voices are missed on the way. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { Chorus, names } from './testing/Chorus.ts'
import { launchChromium } from './testing/chromium.ts'
import { inCompanyOf, onlyShownSent, overMesh, overSfu, peopleOnPages } from './testing/pages.ts'
import { startSfuRig } from './testing/sfuRig.ts'

/** Nobody is missed for longer, whether the room moves, or people come or leave. */
const longestGapMs = 1000
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
  const late = await all.enter(3)
  await everybody((page) => inCompanyOf(page, 7))
  // Looked at last of all: while pages are loaded, on the processors that all of them share, it is missed at times.
  const gapWhileLoadingMs = await all.longestGapMs('three more come', five)
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
  expect(gapWhileLoadingMs).toBeLessThan(longestGapMs)
}, 600_000)
