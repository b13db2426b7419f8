import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Signaling } from '@parley/signaling'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { accessibilityProblems } from './testing/accessibility.ts'
import { launchChromium } from './testing/chromium.ts'
import { startMeetingRig } from './testing/meetingRig.ts'
import { inCallWith, inState } from './testing/pages.ts'
import { paintCamera } from './testing/paintedCamera.ts'

/** What people see: the built page in real Chromium, on loopback. */
describe('the screens', () => {
  let rig: Awaited<ReturnType<typeof startMeetingRig>>
  let server: Signaling
  let browser: Browser

  const blank = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({
      permissions: ['camera', 'microphone'],
      viewport: { width: 1280, height: 720 },
      reducedMotion: 'reduce',
      ...options,
    })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    await page.addInitScript(paintCamera, 0)
    return page
  }
  const open = async (path: string, options?: BrowserContextOptions) => {
    const page = await blank(options)
    await page.goto(`${server.url}${path}`)
    return page
  }
  const enter = async (room: string, name: string, options?: BrowserContextOptions) => {
    const page = await open(`/r/${room}?name=${name}&autojoin=1`, options)
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

  it('REQ-W3, P20, P21: axe-core finds nothing on any screen, light on a desktop and dark on a phone', async () => {
    const problems: Record<string, string[]> = {}
    const desktop = await blank({ colorScheme: 'light' })
    const phone = await blank({
      colorScheme: 'dark',
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    })
    const look = async (screen: string, page: Page) => {
      const found = await accessibilityProblems(page)
      const where = page === desktop ? 'desktop, light' : 'phone, dark'
      if (found.length > 0) problems[`${screen}, ${where}`] = found
    }
    const button = (page: Page, name: string | RegExp) =>
      page.getByRole('button', { name, exact: true })
    const menu = async (page: Page, trigger: string, item: string) => {
      await button(page, trigger).click()
      await page.getByRole('menuitem', { name: item }).click()
    }

    /** What one sees alone. */
    const alone = async (page: Page) => {
      await page.goto(server.url)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await look('landing', page)
      await button(page, 'Theme and language').click()
      await page.getByRole('dialog').waitFor()
      await look('theme and language', page)
      await page.goto(`${server.url}/r/no%20room`)
      await heading(page, 'This link names no valid room')
      await look('no such room', page)
    }
    /** What one sees of a meeting, but for its end. */
    const meeting = async (page: Page) => {
      await look('call', page)
      await page.getByRole('button', { name: /^Chat/ }).click()
      await page.getByRole('log', { name: 'Messages' }).getByText('Hello').waitFor()
      await look('chat', page)
      await page.getByRole('tab', { name: /^People/ }).click()
      await page.getByRole('list', { name: 'Participants' }).waitFor()
      await look('people', page)
      await page.keyboard.press('Escape')
      await page.locator('.side-panel').waitFor({ state: 'detached' })
      await button(page, 'More').click()
      await page.getByRole('menu').waitFor()
      await look('menu', page)
      await page.getByRole('menuitemradio', { name: 'Who speaks, large' }).click()
      await page.getByRole('menu').waitFor({ state: 'detached' })
      await look('speaker', page)
      await menu(page, 'More', 'Settings')
      await page.getByRole('dialog').waitFor()
      for (const tab of ['Audio', 'Video', 'Keys', 'Theme and language']) {
        await page.getByRole('tab', { name: tab }).click()
        await look(`settings: ${tab}`, page)
      }
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }

    await Promise.all([desktop, phone].map(alone))
    await desktop.goto(`${server.url}/r/looks?name=Ana`)
    await desktop.locator('.preview video').waitFor()
    await look('lobby', desktop)
    await button(desktop, 'Join now').click()
    await heading(desktop, 'You are the first one here')
    await look('alone', desktop)

    // The phone comes to a locked door, is not let in, and then it is.
    await button(desktop, '1 person').click()
    await menu(desktop, 'For the whole room', 'Lock the room')
    await phone.goto(`${server.url}/r/looks?name=Kofi`)
    await phone.locator('.preview video').waitFor()
    await look('lobby', phone)
    await button(phone, 'Join now').click()
    await heading(phone, 'Waiting to be let in')
    await look('waiting', phone)
    await button(desktop, 'Let in: Kofi').waitFor()
    await look('knock', desktop)
    await button(desktop, 'Not now: Kofi').click()
    await heading(phone, 'You were not let in')
    await look('denied', phone)
    await menu(desktop, 'For the whole room', 'Unlock the room')
    await desktop.keyboard.press('Escape')
    await phone.goto(`${server.url}/r/looks?name=Kofi&autojoin=1`)
    const minh = await enter('looks', 'Minh')
    await Promise.all([desktop, phone].map((page) => inCallWith(page, 2)))
    await minh.getByRole('button', { name: /^Chat/ }).click()
    await minh.getByRole('textbox', { name: 'Write a message' }).fill('Hello: https://example.org')
    await minh.keyboard.press('Enter')
    await minh.keyboard.press('Escape')
    await Promise.all([desktop, phone].map(meeting))

    // A share is large, and what was before it is back: who speaks, large.
    const tiles = (page: Page) =>
      page.locator('.stage .tile').evaluateAll((all) =>
        all.map((tile) => ({
          name: tile.ariaLabel,
          screen: tile.classList.contains('main') && tile.classList.contains('screen'),
          area: tile.clientWidth * tile.clientHeight,
        })),
      )
    const before = await tiles(desktop)
    await button(minh, 'Share screen').click()
    for (const page of [desktop, phone]) {
      await page.waitForFunction(() => {
        const video = document.querySelector<HTMLVideoElement>('.tile.screen.main video')
        return video !== null && video.videoWidth >= 640 && video.currentTime > 0
      })
      await look('share', page)
      const areas = await tiles(page)
      const screen = areas.find((tile) => tile.screen)
      for (const { area } of areas.filter((tile) => !tile.screen))
        expect(screen?.area).toBeGreaterThanOrEqual(2 * area)
    }
    await minh.getByRole('toolbar').getByRole('button', { name: 'Stop sharing' }).click()
    for (const page of [desktop, phone])
      await page.locator('.tile.screen').waitFor({ state: 'detached' })
    expect((await tiles(desktop)).map(({ area }) => area)).toEqual(before.map(({ area }) => area))

    // The ends.
    await button(phone, 'Leave').click()
    await heading(phone, 'You left the meeting')
    await look('left', phone)
    await button(desktop, '2 people').click()
    await menu(desktop, 'For the whole room', 'End for all')
    await desktop.getByRole('alertdialog').waitFor()
    await look('question', desktop)
    await desktop.getByRole('alertdialog').getByRole('button', { name: 'End for all' }).click()
    await heading(desktop, 'The meeting has ended for all')
    await look('ended', desktop)
    await phone.addInitScript(() => Reflect.deleteProperty(window, 'RTCPeerConnection'))
    await phone.goto(`${server.url}/r/looks`)
    await heading(phone, 'This browser cannot hold video calls')
    await look('unsupported', phone)
    expect(problems).toEqual({})
    await close(desktop, phone, minh)
  }, 240_000)

  it('REQ-W3: speaks the language of the browser, or the chosen one, and says so', async () => {
    const page = await open('/', { locale: 'vi-VN' })
    await heading(page, 'Gặp nhau qua một liên kết.')
    expect(await page.locator('html').getAttribute('lang')).toBe('vi')
    await page.getByRole('button', { name: 'Giao diện và ngôn ngữ' }).click()
    await page.getByText('English', { exact: true }).click()
    await page.getByText('Dark', { exact: true }).click()
    await page.reload()
    await heading(page, 'Good talk, in one link.')
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    const scheme = await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)
    expect(scheme).toBe('dark')
    await close(page)
  }, 60_000)
})
