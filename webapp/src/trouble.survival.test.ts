import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Signaling } from '@parley/signaling'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { io } from 'socket.io-client'
import { launchChromium } from './testing/chromium.ts'
import { startMeetingRig } from './testing/meetingRig.ts'
import { prepareMishaps } from './testing/mishaps.ts'
import { inCallWith, inState, mediaSeen } from './testing/pages.ts'

/** What goes wrong for people (REQ-W1), and what the built page says and does then, in real browsers. */
describe('in trouble', () => {
  let rig: Awaited<ReturnType<typeof startMeetingRig>>
  let server: Signaling
  let browser: Browser
  const problems: string[] = []

  const open = async (path: string, options: BrowserContextOptions = {}, inside = browser) => {
    const context = await inside.newContext({
      permissions: ['camera', 'microphone'],
      reducedMotion: 'reduce',
      ...options,
    })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    page.on('pageerror', (error) => problems.push(error.message))
    await prepareMishaps(page)
    await page.goto(`${server.url}${path}`)
    return page
  }
  const enter = async (room: string, name: string) => {
    const page = await open(`/r/${room}?name=${name}&autojoin=1`)
    await inState(page, 'joined')
    return page
  }
  const close = (...pages: Page[]) => Promise.all(pages.map((page) => page.context().close()))
  const heading = (page: Page, name: string) => page.getByRole('heading', { name }).waitFor()

  beforeAll(async () => {
    ;[browser, rig] = await Promise.all([launchChromium(), startMeetingRig(4)])
    server = await rig.start(0)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await rig?.clean()
  }, 30_000)

  it('REQ-W1: devices, relays, bandwidth and the server fail one after the other, and the call goes on', async () => {
    const minh = await enter('rough', 'Minh')
    // Another program has the camera: in with sound alone, and with the picture once it is free.
    const ana = await open('/r/rough?name=Ana')
    await ana.locator('.preview video').waitFor()
    await ana.evaluate(() => {
      window.mishaps.cameraBusy = true
    })
    await ana.getByRole('button', { name: 'Turn camera off' }).click()
    await ana.getByRole('button', { name: 'Turn camera on' }).click()
    const alert = ana.getByRole('alert')
    await alert.getByText('The camera does not start').waitFor()
    await ana.getByRole('button', { name: 'Join now' }).click()
    await inState(ana, 'joined')
    await inCallWith(ana, 1)
    await mediaSeen(minh, 'Ana', true, false)
    await ana.evaluate(() => {
      window.mishaps.cameraBusy = false
    })
    await alert.getByRole('button', { name: 'Try again' }).click()
    await mediaSeen(minh, 'Ana', true, true)
    await alert.waitFor({ state: 'detached' })

    // Pulled out: the default takes its place, it is said, and the others see it.
    const status = (text: string) => ana.locator('.call-notices > *').filter({ hasText: text })
    await ana.evaluate(() => window.mishaps.unplug('video'))
    await status('Your camera was disconnected. In use now: ').waitFor()
    await inCallWith(minh, 1)
    await ana.evaluate(() => window.mishaps.unplug('audio'))
    await status('Your microphone was disconnected. In use now: ').waitFor()
    await inCallWith(minh, 1)

    // No relay answers here: direct ways are left, and it is said what to do.
    await status('No relay can be reached from here.').waitFor()
    expect(
      await ana.evaluate(async () => (await window.__parley?.peers())?.map((p) => p.usingRelay)),
    ).toEqual([false])
    await status('No relay').getByRole('button', { name: 'Hide this note' }).click()
    await status('No relay').waitFor({ state: 'detached' })

    // Little gets through: the picture is smaller, and turning it off is offered.
    await ana.evaluate(() => {
      window.mishaps.roomKbps = 150
    })
    await status('Your connection is slow: your picture is sent smaller.').waitFor()
    await status('slow').getByRole('button', { name: 'Turn my camera off' }).click()
    await mediaSeen(minh, 'Ana', true, false)
    await status('slow').waitFor({ state: 'detached' })
    await ana.evaluate(() => {
      window.mishaps.roomKbps = undefined
    })
    await ana.keyboard.press('v')
    await mediaSeen(minh, 'Ana', true, true)

    // The server goes: three tries, media goes on, and reconnecting is offered; it works once the server is back.
    const port = Number(new URL(server.url).port)
    const ids = await Promise.all([ana, minh].map(idsOf))
    await server.close()
    await status('Reconnecting to the server… The call goes on meanwhile.').waitFor()
    await inState(ana, 'lost')
    await status('The server is not reachable.').waitFor()
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    server = await rig.start(port)
    await status('The server is not reachable.')
      .getByRole('button', { name: 'Reconnect' })
      .click({ timeout: 5000 })
      // It may be back by itself already, which it tries every second.
      .catch(() => {})
    await Promise.all([ana, minh].map((page) => inState(page, 'joined')))
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    expect(await Promise.all([ana, minh].map(idsOf))).toEqual(ids)
    expect(problems).toEqual([])
    await close(ana, minh)
  }, 180_000)

  it('REQ-W1: denied, with another clock, and in a browser that cannot: what to do is said', async () => {
    // Denied for real: how to allow it is said, one can join without, and what is allowed later is used at once.
    const asking = await launchChromium({ asks: true })
    const ana = await open('/r/doors?name=Ana', { permissions: [] }, asking)
    const alert = ana.getByRole('alert')
    await alert.getByText('The browser may not use your camera and microphone').waitFor()
    await alert.getByText('Click the icon left of the page').waitFor()
    await alert.getByRole('button', { name: 'Try again' }).click()
    await ana.getByRole('button', { name: 'Join now' }).click()
    await inState(ana, 'joined')

    // A clock that is off by an hour: credentials and tokens go by the server's.
    const minh = await open('/r/doors?name=Minh')
    await minh.addInitScript(() => {
      const now = Date.now
      Date.now = () => now() + 3600_000
    })
    await minh.goto(`${server.url}/r/doors?name=Minh&autojoin=1`)
    await Promise.all([ana, minh].map((page) => inState(page, 'joined')))
    await inCallWith(ana, 1)
    await mediaSeen(minh, 'Ana', false, false)
    await ana.context().grantPermissions(['camera', 'microphone'], { origin: server.url })
    await mediaSeen(minh, 'Ana', true, true)
    await alert.waitFor({ state: 'detached' })
    await inCallWith(minh, 1)

    const old = await open('/r/doors')
    await old.addInitScript(() => {
      Object.defineProperty(window, 'RTCPeerConnection', { value: undefined })
      Reflect.deleteProperty(window, 'RTCPeerConnection')
    })
    await old.reload()
    await heading(old, 'This browser cannot hold video calls')
    await old.getByText('Firefox').waitFor()
    expect(await old.getByRole('button', { name: 'Try again' }).count()).toBe(0)
    expect(problems).toEqual([])
    await close(minh, old)
    await asking.close()
  }, 120_000)

  it('REQ-W1, P3: names that are none, invitations that are none, and a second tab with the same identity', async () => {
    const ana = await open(`/r/doors2?name=${'x'.repeat(10_000)}`)
    const name = ana.getByRole('textbox', { name: 'Your name' })
    expect((await name.inputValue()).length).toBeLessThanOrEqual(64)
    const join = ana.getByRole('button', { name: 'Join now' })
    await name.fill('A\u202ena')
    await join.click()
    await ana.getByText('Others would not see this name as it is.').waitFor()
    await name.fill('   ')
    await ana.getByText('Enter a name').waitFor()
    expect(await ana.evaluate(() => window.__parley?.state)).toBe('lobby')

    // The same token over another socket, as of a tab that was copied: one of the two has the seat.
    await name.fill('Ana')
    const answer = ana.waitForResponse(/\/api\/rooms\/doors2\/join$/)
    await join.click()
    const { token } = (await (await answer).json()) as { token: string }
    await inState(ana, 'joined')
    const tab = io(server.url, { auth: { token }, transports: ['websocket'], reconnection: false })
    try {
      expect(
        await tab.timeout(30_000).emitWithAck('room:join', { media: { audio: true, video: true } }),
      ).toMatchObject({ ok: true })
      await heading(ana, 'You are in this call in another tab')
      await ana.getByRole('button', { name: 'Try again' }).click()
      await inState(ana, 'joined')
    } finally {
      tab.disconnect()
    }

    for (const [link, title] of [
      [await rig.invitation('doors2', { ttlSeconds: -10 }), 'Your invitation has expired'],
      [
        (await rig.invitation('doors2', { ttlSeconds: 600 })).replace(/.{20}$/, 'A'.repeat(20)),
        'Your pass to this room is not valid any more',
      ],
    ] as const) {
      const guest = await open(`/r/doors2?name=Eve&autojoin=1#invite=${link}`)
      await heading(guest, title)
      await close(guest)
    }
    expect(problems).toEqual([])
    await close(ana)
  }, 120_000)

  it('REQ-W1, W3: two people write, raise a hand and outlive the server; the host lets in, removes and ends', async () => {
    const ana = await enter('talk', 'Ana')
    const minh = await enter('talk', 'Minh')
    const chatOf = (page: Page) => page.getByRole('button', { name: /^Chat/ })
    const written = (page: Page) => page.getByRole('log', { name: 'Messages' })
    const write = async (page: Page, text: string) => {
      await page.getByRole('textbox', { name: 'Write a message' }).fill(text)
      await page.keyboard.press('Enter')
    }

    // The keyboard goes in with the panel, and back to what opened it.
    await chatOf(minh).click()
    await write(minh, 'the agenda: https://example.org/agenda')
    await ana.getByRole('button', { name: 'Chat, 1 unread message' }).press('Enter')
    const link = written(ana).getByRole('link', { name: 'https://example.org/agenda' })
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer')
    await write(ana, 'thanks')
    await written(minh).getByText('thanks').waitFor()
    await ana.keyboard.press('Escape')
    await written(ana).waitFor({ state: 'detached' })
    await ana.waitForFunction(() => /^Chat/.test(document.activeElement?.ariaLabel ?? ''))

    // A hand is first in the list of people, where the host may lower it.
    await minh.getByRole('button', { name: 'Raise hand' }).click()
    await ana.getByRole('button', { name: /^2 people/ }).click()
    const first = ana.getByRole('list', { name: 'Participants' }).getByRole('listitem').first()
    await first.getByRole('img', { name: 'Hand raised' }).waitFor()
    expect(await first.textContent()).toContain('Minh')
    await first.getByRole('button', { name: 'More about Minh' }).click()
    await ana.getByRole('menuitem', { name: 'Lower hand' }).click()
    await minh.getByRole('button', { name: 'Raise hand' }).waitFor()

    // Before a locked door, and out of it again.
    await ana.getByRole('button', { name: 'For the whole room' }).click()
    await ana.getByRole('menuitem', { name: 'Lock the room' }).click()
    await ana.getByRole('button', { name: 'For the whole room' }).click()
    await ana.getByRole('menuitem', { name: 'Unlock the room' }).waitFor()
    await ana.keyboard.press('Escape')
    await ana.getByRole('menu').waitFor({ state: 'detached' })
    const kofi = await open('/r/talk?name=Kofi&autojoin=1')
    await heading(kofi, 'Waiting to be let in')
    await ana.getByRole('button', { name: 'Let in: Kofi', exact: true }).click()
    await inState(kofi, 'joined')
    await ana.getByRole('button', { name: 'More about Kofi' }).click()
    await ana.getByRole('menuitem', { name: 'Remove' }).click()
    await ana.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await heading(kofi, 'You were removed from this meeting')

    // What is written while the server is away is kept, marked, and sent once when it is back.
    const port = Number(new URL(server.url).port)
    await server.close()
    await inState(minh, 'reconnecting')
    await write(minh, 'while away')
    await written(minh).getByText('Not sent yet').waitFor()
    server = await rig.start(port)
    await Promise.all([ana, minh].map((page) => inState(page, 'joined')))
    await ana.getByRole('tab', { name: /^Chat/ }).click()
    await written(ana).getByText('while away').waitFor()
    expect(await written(ana).getByRole('article').count()).toBe(3)

    await ana.getByRole('tab', { name: /^People/ }).click()
    await ana.getByRole('button', { name: 'For the whole room' }).click()
    await ana.getByRole('menuitem', { name: 'End for all' }).click()
    await ana.getByRole('alertdialog').getByRole('button', { name: 'End for all' }).click()
    for (const page of [ana, minh]) await heading(page, 'The meeting has ended for all')
    expect(problems).toEqual([])
    await close(ana, minh, kofi)
  }, 120_000)
})

const idsOf = (page: Page) =>
  page.evaluate(async () => ((await window.__parley?.peers()) ?? []).map(({ id }) => id).sort())
