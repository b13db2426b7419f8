/** What goes on around people who talk; how long they miss each other is measured, by a tone of each. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { Chorus } from './testing/Chorus.ts'
import { launchChromium } from './testing/chromium.ts'
import { inCallWith, inState } from './testing/pages.ts'
import { startSfuRig } from './testing/sfuRig.ts'

/** Nobody is missed for longer, whatever happens. */
const longestGapMs = 1000
/** Few frames: all of them share one machine. */
const fps = 2

const everybodyIn = ({ people }: Chorus) =>
  Promise.all(people.map((page) => inCallWith(page, people.length - 1)))
const idsOf = (pages: readonly Page[]) =>
  Promise.all(pages.map((page) => page.evaluate(() => window.__parley?.participantId)))

describe('people, replicas and Redis', () => {
  let rig: Awaited<ReturnType<typeof startSfuRig>>
  let browser: Browser
  let all: Chorus

  beforeAll(async () => {
    ;[browser, rig] = await Promise.all([launchChromium({ fps }), startSfuRig(4, 1)])
  }, 300_000)
  afterEach(async () => {
    await all?.end()
  }, 30_000)
  afterAll(async () => {
    await browser?.close()
    await rig?.stop()
  }, 60_000)

  it('REQ-K7, W1: a signaling replica that is killed takes nobody along', async () => {
    const replica = await rig.startReplicaProcess()
    all = new Chorus(browser, `${rig.url}/r/killed`)
    const two = await all.enter(2)
    await everybodyIn(all)
    await all.hearEachOther()
    const ids = await idsOf(two)
    await replica.kill()
    await Promise.all(two.map((page) => inState(page, 'reconnecting')))
    await Promise.all(two.map((page) => inState(page, 'joined')))
    await everybodyIn(all)
    expect(await all.longestGapMs('replica killed')).toBeLessThan(longestGapMs)
    expect(await idsOf(two)).toEqual(ids)
    // Who comes now finds the two, and nobody else: no seat of before is left over.
    await all.enter()
    await everybodyIn(all)
  }, 180_000)

  it('REQ-W1: Redis is gone for 30 s: calls go on, who joins waits with a notice', async () => {
    all = new Chorus(browser, `${rig.url}/r/away`)
    const two = await all.enter(2)
    await everybodyIn(all)
    await all.hearEachOther()
    await rig.stopRedis()
    const late = await all.invite()
    const notice = late.getByText('The meeting service is not ready.')
    await notice.waitFor()
    await delay(30_000)
    await Promise.all(two.map((page) => inCallWith(page, 1)))
    expect(await late.evaluate(() => window.__parley?.state)).toBe('joining')
    rig.startRedis()
    await inState(late, 'joined')
    expect(await all.longestGapMs('Redis gone for 30 s', two)).toBeLessThan(longestGapMs)
    await everybodyIn(all)
    expect(await notice.count()).toBe(0)
  }, 180_000)
})
