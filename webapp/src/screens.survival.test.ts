import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Signaling } from '@parley/signaling'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { accessibilityProblems, KeyboardOnly } from './testing/accessibility.ts'
import { launchChromium } from './testing/chromium.ts'
import { startMeetingRig } from './testing/meetingRig.ts'
import { inCallWith, inState } from './testing/pages.ts'
import { paintCamera } from './testing/paintedCamera.ts'

/** What people see and how they get about: the built page in real Chromium, on loopback. */
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

  it('REQ-W3: a whole meeting goes by keyboard alone, seen and said at each step', async () => {
    const page = await blank()
    const ana = await KeyboardOnly.on(page)
    await page.goto(server.url)
    const said = async (name: string | RegExp) => {
      const { role, states } = await ana.reach(name)
      return `${role} ${states.filter((state) => state === 'expanded' || state === 'pressed')}`.trim()
    }

    // A room by its name; in the lobby the field for one's own has the focus.
    await heading(page, 'Good talk, in one link.')
    await ana.reach('Start meeting')
    await ana.reach('Meeting link or room name')
    await ana.type('by-keyboard')
    await ana.press('Enter')
    await heading(page, 'Ready to join?')
    await page.locator('.preview video').waitFor()
    await page.locator('input:focus').waitFor()
    expect(await ana.focus()).toMatchObject({ role: 'textbox', name: 'Your name' })
    await ana.press('Enter')
    expect(await ana.focus()).toMatchObject({ states: expect.arrayContaining(['invalid']) })
    await ana.type('Ana')
    for (const device of ['Microphone', 'Camera', 'Speaker'])
      expect(await said(device)).toMatch(/^(combobox|MenuListSelect|listbox|PopUpButton)/i)
    expect(await said('Test the speaker')).toBe('button')
    await ana.reach('Join now')
    await ana.press('Enter')
    await inState(page, 'joined')
    await page.waitForFunction(() => document.activeElement?.classList.contains('stage'))
    expect(await ana.focus()).toMatchObject({ role: 'main', name: 'Participants' })

    const minh = await enter('by-keyboard', 'Minh')
    await ana.hears('Minh joined')
    await inCallWith(page, 1)

    for (const [off, on] of [
      ['Mute', 'Unmute'],
      ['Turn camera off', 'Turn camera on'],
    ] as const) {
      expect(await said(off)).toBe('button')
      await ana.press('Enter')
      await page.getByRole('button', { name: on, exact: true }).waitFor()
      expect(await ana.focus()).toMatchObject({ name: on })
      await ana.press('Space')
      await page.getByRole('button', { name: off, exact: true }).waitFor()
    }

    // Chat: in with the keyboard, and back to where one was.
    await ana.reach('Chat')
    await ana.press('Enter')
    await ana.reach('Write a message')
    await ana.type('Hello by keys')
    await ana.press('Enter')
    await minh.getByRole('button', { name: 'Chat, 1 unread message' }).click()
    await minh.getByText('Hello by keys').waitFor()
    await minh.getByRole('textbox', { name: 'Write a message' }).fill('Heard you')
    await minh.keyboard.press('Enter')
    await ana.hears('Heard you')
    await ana.press('Escape')
    await page.locator('.side-panel').waitFor({ state: 'detached' })
    expect(await ana.focus()).toMatchObject({ role: 'button', name: 'Chat' })

    await minh.keyboard.press('Escape')
    await minh.getByRole('button', { name: 'Raise hand' }).click()
    await ana.reach('2 people')
    await ana.press('Enter')
    await page.getByRole('list', { name: 'Participants' }).waitFor()
    expect(await ana.focus()).toMatchObject({ role: 'complementary', name: 'Chat and people' })
    await ana.reach(/^People/)
    const people = await page.getByRole('list', { name: 'Participants' }).ariaSnapshot()
    expect(people.indexOf('Minh')).toBeLessThan(people.indexOf('Ana'))
    expect(people).toContain('img "Hand raised"')
    await ana.reach('More about Minh')
    await ana.press('Enter')
    await page.getByRole('menuitem', { name: 'Lower hand' }).waitFor()
    await ana.press('Enter')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    // His row has gone down, with the focus in it.
    await minh.getByRole('button', { name: 'Raise hand' }).waitFor()
    await page.waitForFunction(() => document.activeElement?.ariaLabel === 'More about Minh')
    // The first closes what the button says of itself.
    await page.getByRole('tooltip').waitFor()
    await ana.press('Escape')
    await page.getByRole('tooltip').waitFor({ state: 'detached' })
    await ana.press('Escape')
    await page.locator('.side-panel').waitFor({ state: 'detached' })

    await ana.reach('Raise hand')
    await ana.press('Enter')
    await page.getByRole('button', { name: 'Lower hand', exact: true }).waitFor()

    // A reaction; the panel stays open for the next one.
    await ana.reach('React')
    await ana.press('Enter')
    await page.getByRole('dialog', { name: 'React' }).waitFor()
    await ana.reach('Applause')
    await ana.press('Enter')
    await minh.getByRole('status').filter({ hasText: 'Ana: Applause' }).waitFor()
    await ana.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.activeElement?.ariaLabel === 'React')
    await minh.getByRole('button', { name: 'React', exact: true }).click()
    await minh.getByRole('button', { name: 'Heart' }).click()
    await ana.hears('Minh: Heart')
    await minh.keyboard.press('Escape')

    // Settings, from the menu, which has the focus back when they are closed.
    await ana.reach('More')
    await ana.press('Enter')
    await page.getByRole('menu').waitFor()
    await ana.press('End')
    expect(await ana.focus()).toMatchObject({ role: 'menuitem', name: 'Settings' })
    await ana.press('Enter')
    await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    await ana.reach('Audio')
    await ana.press('ArrowRight')
    expect(await ana.focus()).toMatchObject({ role: 'tab', name: 'Video' })
    // A group of choices is one stop, within which the arrows go.
    await ana.reach(/^Automatic/)
    for (let steps = 0; steps < 3; steps++) await ana.press('ArrowDown')
    expect(await ana.focus()).toMatchObject({ role: 'radio', name: expect.stringMatching(/^Low/) })
    // A key of hers is taken away, and another one given.
    await ana.reach('Video')
    await ana.press('ArrowRight')
    expect(await ana.focus()).toMatchObject({ role: 'tab', name: 'Keys' })
    await ana.reach('Remove the key of Talk while held')
    await ana.press('Enter')
    expect(await ana.focus()).toMatchObject({ name: 'Talk while held: None. Change' })
    await ana.press('Enter')
    await ana.press('b')
    expect(await ana.focus()).toMatchObject({ name: 'Talk while held: B. Change' })
    await ana.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.activeElement?.ariaLabel === 'More')

    await ana.reach('Share screen')
    await ana.press('Enter')
    await minh.locator('.tile.screen.main video').waitFor()
    await ana.hears('Shared now')
    await page.getByRole('toolbar').getByRole('button', { name: 'Stop sharing' }).waitFor()
    await page.waitForFunction(() => document.activeElement?.ariaLabel === 'Stop sharing')
    await ana.press('Enter')
    await minh.locator('.tile.screen').waitFor({ state: 'detached' })

    await ana.reach('Leave')
    await ana.press('Enter')
    await heading(page, 'You left the meeting')
    expect(await ana.focus()).toMatchObject({ role: 'button', name: 'Join again' })
    expect(ana.faults).toEqual([])
    await close(page, minh)
  }, 180_000)

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
