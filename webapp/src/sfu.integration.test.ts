import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './testing/chromium.ts'
import { inCallWith, inState, mediaSeen, overMesh, overSfu, untilPage } from './testing/pages.ts'
import { startSfuRig } from './testing/sfuRig.ts'

declare global {
  interface Window {
    /** Every state that a link was in while nothing came over it. */
    linksSeen: Set<string>
  }
}

/** The built page in real browsers against real LiveKit, coturn, Redis and signaling. */
describe('a call over the SFU', () => {
  let rig: Awaited<ReturnType<typeof startSfuRig>>
  let browser: Browser
  const problems: string[] = []

  beforeAll(async () => {
    ;[browser, rig] = await Promise.all([launchChromium(), startSfuRig(2)])
  }, 300_000)

  // Also of a test that has failed: the next one wants the processors.
  afterEach(async () => {
    await Promise.all((browser?.contexts() ?? []).map((context) => context.close()))
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await rig?.stop()
  }, 120_000)

  const enter = async (room: string, name: string, more = '') => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(`${rig.url}/r/${room}?name=${name}&autojoin=1${more}`)
    await inState(page, 'joined')
    return page
  }

  const freezesOf = (page: Page) => page.evaluate(() => window.__parley?.freezes())
  const reset = (pages: Page[]) =>
    Promise.all(pages.map((page) => page.evaluate(() => window.__parley?.resetFreezes())))
  /** Every page sees so many videos after the last reset, none of which stood still for 2 s since. */
  const noFreeze = async (pages: Page[], others: number) => {
    for (const page of pages) {
      // Of who is new it may not have read anything yet: it reads once a second, until it is asked.
      const allSeen = async (count: number) => {
        const seen = await window.__parley?.freezes()
        return seen?.filter(({ framesDecoded }) => framesDecoded > 0).length === count
      }
      await untilPage(page, `sees ${others} videos`, allSeen, others)
      const freezes = (await freezesOf(page)) ?? []
      expect(freezes).toHaveLength(others)
      for (const { longestMs } of freezes) expect(longestMs).toBeLessThan(2000)
    }
  }

  it('REQ-K8, REQ-P8: the third moves the room from the mesh to the SFU; no video stands still', async () => {
    const ana = await enter('grows', 'Ana')
    const minh = await enter('grows', 'Minh')
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    await reset([ana, minh])
    const kofi = await enter('grows', 'Kofi')
    const everybody = [ana, minh, kofi]
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))
    await Promise.all(everybody.map((page) => overSfu(page)))
    await noFreeze(everybody, 2)

    // Media states, and a camera that goes off and on.
    await ana.keyboard.press('m')
    await ana.keyboard.press('v')
    for (const page of [minh, kofi]) await mediaSeen(page, 'Ana', false, false)
    await ana.keyboard.press('v')
    for (const page of [minh, kofi]) await mediaSeen(page, 'Ana', false, true)
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))

    // Signaling goes on elsewhere: nobody leaves, and no video stands still.
    await reset(everybody)
    const ids = await Promise.all(everybody.map(idOf))
    const old = rig.replicas[0]
    await rig.startReplica()
    await old?.server.drain()
    await old?.server.close()
    await Promise.all(everybody.map((page) => inState(page, 'joined')))
    // Redis comes back empty: media goes on, and the room is restored.
    await rig.restartRedis()
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))
    expect(await Promise.all(everybody.map(idOf))).toEqual(ids)
    await noFreeze(everybody, 2)

    // Who comes into a room on the SFU is there at once.
    await kofi.keyboard.press('d')
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    const zoe = await enter('grows', 'Zoe')
    await Promise.all([ana, minh, zoe].map((page) => inCallWith(page, 2)))
    await overSfu(zoe)
    expect(problems).toEqual([])
  }, 240_000)

  it('REQ-K8, REQ-P7: who looks at a page again that was hidden for a while sees everybody move at once, and nobody was thought cut', async () => {
    const everybody = [
      await enter('hidden', 'Ana'),
      await enter('hidden', 'Minh'),
      await enter('hidden', 'Kofi'),
    ]
    const [ana, ...others] = everybody as [Page, ...Page[]]
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))
    await Promise.all(everybody.map((page) => overSfu(page)))
    // Nobody is heard: by pictures alone a page can tell that they are there.
    for (const page of others) await page.keyboard.press('m')
    for (const name of ['Minh', 'Kofi']) await mediaSeen(ana, name, false, true)
    await setHidden(ana, true)
    await untilPage(
      ana,
      'no pictures come',
      async () => {
        const frames = async () =>
          ((await window.__parley?.peers()) ?? []).map(({ framesDecoded }) => framesDecoded)
        const before = await frames()
        await new Promise((resolve) => setTimeout(resolve, 1000))
        return before.join() === (await frames()).join()
      },
      undefined,
    )
    // Not once pictures have come again: pages that send them may be too busy to go on for a second.
    await ana.evaluate(async () => {
      const peers = async () => (await window.__parley?.peers()) ?? []
      const before = new Map((await peers()).map(({ id, framesDecoded }) => [id, framesDecoded]))
      window.linksSeen = new Set()
      setInterval(async () => {
        for (const { id, link, framesDecoded } of await peers())
          if (framesDecoded === before.get(id)) window.linksSeen.add(link)
      }, 100)
    })
    // The browser has forgotten then that there were any.
    await new Promise((resolve) => setTimeout(resolve, 11_000))
    await setHidden(ana, false)
    await reset([ana])
    await inCallWith(ana, 2)
    await noFreeze([ana], 2)
    expect(await ana.evaluate(() => [...window.linksSeen])).toEqual(['connected'])
    expect(problems).toEqual([])
  }, 180_000)

  it('REQ-K8, REQ-P1, REQ-M6: over relays only, which each is told until it is hidden', async () => {
    const everybody = [
      await enter('relayed', 'Ana', '&relay=1'),
      await enter('relayed', 'Minh', '&relay=1'),
      await enter('relayed', 'Kofi', '&relay=1'),
    ]
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))
    await Promise.all(everybody.map((page) => overSfu(page)))
    for (const page of everybody) {
      const peers = (await page.evaluate(() => window.__parley?.peers())) ?? []
      expect(
        peers.map(({ usingRelay, localCandidateType }) => [usingRelay, localCandidateType]),
      ).toEqual([
        [true, 'relay'],
        [true, 'relay'],
      ])
      // What was sent over the mesh before has gone its own way.
      const sends = async () => ((await window.__parley?.totals())?.bytesSent ?? 0) > 1000
      await untilPage(page, 'sends', sends, undefined)
      const banner = page.locator('.callout.relay')
      await banner.getByText('Relayed: the link you joined with asks for a relay').waitFor()
      await banner.getByRole('button').click()
      await banner.waitFor({ state: 'detached' })
    }
  }, 180_000)

  it('REQ-W5: over the SFU only who has the key decodes frames, and whoever gets it later does then', async () => {
    const key = '#e2ee=AAECAwQFBgcICQoLDA0ODw'
    const [ana, minh] = [await enter('secret', 'Ana', key), await enter('secret', 'Minh', key)]
    const kofi = await enter('secret', 'Kofi')
    await Promise.all([ana, minh].map((page) => inCallWith(page, 2)))
    await Promise.all([ana, minh, kofi].map((page) => overSfu(page)))
    // He is told, and nothing of them is played.
    await kofi.getByText('Encrypted with a key that your link does not have: Ana').waitFor()
    const bothKnown = async () => (await window.__parley?.peers())?.length === 2
    await untilPage(kofi, 'both are there', bothKnown, undefined)
    expect(await framesOf(kofi)).toEqual([0, 0])

    // With another key frames arrive, and none can be decoded.
    await changeFragment(kofi, '#e2ee=AAAAAAAAAAAAAAAAAAAAAA')
    await untilPage(
      kofi,
      'packets of both',
      async () => (await window.__parley?.peers())?.every((peer) => peer.packetsReceived > 100),
      undefined,
    )
    expect(await framesOf(kofi)).toEqual([0, 0])

    await changeFragment(kofi, key)
    await Promise.all([ana, minh, kofi].map((page) => inCallWith(page, 2)))
    expect(problems).toEqual([])
  }, 240_000)

  it('REQ-K7: a LiveKit that is lost is come back to', async () => {
    const everybody = [
      await enter('lost', 'Ana'),
      await enter('lost', 'Minh'),
      await enter('lost', 'Kofi'),
    ]
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))
    await Promise.all(everybody.map((page) => overSfu(page)))
    await reset(everybody)
    await rig.restartSfu()
    await Promise.all(everybody.map((page) => inCallWith(page, 2)))
  }, 180_000)

  // The last of these: there is no LiveKit after it.
  it('REQ-K8: a LiveKit that is gone for good leaves those in a mesh who are few enough, and tells them why', async () => {
    const stay = [await enter('gone', 'Ana'), await enter('gone', 'Minh')]
    const kofi = await enter('gone', 'Kofi')
    await Promise.all([...stay, kofi].map((page) => inCallWith(page, 2)))
    await Promise.all(stay.map((page) => overSfu(page)))
    await kofi.keyboard.press('d')
    await Promise.all(stay.map((page) => inCallWith(page, 1)))
    // On the SFU they stay, until it goes.
    await Promise.all(stay.map((page) => overSfu(page)))
    await reset(stay)
    await rig.stopSfu()
    await Promise.all(
      stay.map(async (page) => {
        await page.getByText('The media server is away, so the call goes on directly').waitFor()
        await overMesh(page)
        await inCallWith(page, 1)
      }),
    )
    for (const page of stay) {
      const [freeze] = (await freezesOf(page)) ?? []
      expect(freeze?.framesDecoded).toBeGreaterThan(0)
      expect(freeze?.longestMs).toBeLessThan(20_000)
    }
    expect(problems).toEqual([])
  }, 180_000)
})

describe('a room that is small again', () => {
  let rig: Awaited<ReturnType<typeof startSfuRig>>
  let browser: Browser
  beforeAll(async () => {
    ;[browser, rig] = await Promise.all([launchChromium(), startSfuRig(3, 1)])
  }, 300_000)
  afterAll(async () => {
    await browser?.close()
    await rig?.stop()
  }, 120_000)

  it('REQ-K8: goes back from the SFU to the mesh; no video stands still', async () => {
    const enter = async (name: string) => {
      const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
      const page = await context.newPage()
      await page.goto(`${rig.url}/r/shrinks?name=${name}&autojoin=1`)
      await inState(page, 'joined')
      return page
    }
    const [ana, minh] = [await enter('Ana'), await enter('Minh')]
    const others = [await enter('Kofi'), await enter('Zoe')]
    await Promise.all([ana, minh, ...others].map((page) => inCallWith(page, 3)))
    await Promise.all([ana, minh].map((page) => overSfu(page)))
    for (const page of others) await page.keyboard.press('d')
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    await Promise.all(
      [ana, minh].map((page) => page.evaluate(() => window.__parley?.resetFreezes())),
    )
    await Promise.all([ana, minh].map((page) => overMesh(page)))
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    for (const page of [ana, minh]) {
      const [freeze] = (await page.evaluate(() => window.__parley?.freezes())) ?? []
      expect(freeze?.framesDecoded).toBeGreaterThan(0)
      expect(freeze?.longestMs).toBeLessThan(2000)
    }
  }, 240_000)
})

const idOf = (page: Page) => page.evaluate(() => window.__parley?.participantId)

const framesOf = async (page: Page) =>
  (await page.evaluate(() => window.__parley?.peers()))?.map(({ framesDecoded }) => framesDecoded)

/** As by the back button, or a link that is clicked: the page stays. */
const changeFragment = (page: Page, fragment: string) =>
  page.evaluate((hash) => {
    location.hash = hash
  }, fragment)

/** Tells the page that nobody looks at it, or that somebody does: without a screen a browser hides none by itself. */
const setHidden = (page: Page, hidden: boolean) =>
  page.evaluate((now) => {
    Object.defineProperties(document, {
      hidden: { configurable: true, value: now },
      visibilityState: { configurable: true, value: now ? 'hidden' : 'visible' },
    })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
