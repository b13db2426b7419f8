import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { accessibilityProblems } from '../../testing/accessibility.ts'
import { launchChromium } from '../../testing/chromium.ts'
import { startFakeMeter } from '../../testing/fakeMeter.ts'
import { inState } from '../../testing/pages.ts'
import { enterReporting } from '../../testing/reportingGuest.ts'
import { startSfuRig } from '../../testing/sfuRig.ts'
import { followTold, keepWhatIsTold } from '../../testing/toldAdmin.ts'

const withinMs = 120_000

describe('REQ-A1: the admin page', () => {
  let rig: Awaited<ReturnType<typeof startSfuRig>>
  let browser: Browser
  let meter: Awaited<ReturnType<typeof startFakeMeter>>
  const problems: string[] = []

  beforeAll(async () => {
    meter = await startFakeMeter({ default: 12.5, other: 999 })
    ;[browser, rig] = await Promise.all([
      launchChromium({ fps: 5 }),
      startSfuRig(2, 30, meter.settings),
    ])
  }, 300_000)

  afterAll(async () => {
    await browser?.close()
    await rig?.stop()
    await meter?.stop()
  }, 60_000)

  const blank = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(withinMs)
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|WebSocket/.test(message.text()))
        problems.push(message.text())
    })
    return page
  }
  const open = async (path: string) => {
    const page = await blank({ viewport: { width: 1280, height: 800 } })
    await page.addInitScript(keepWhatIsTold)
    await page.goto(`${rig.url}${path}`)
    return page
  }
  /** With a camera that is as small as can be, or none: six of them share this machine. */
  const enter = async (name: string, camera: boolean, more = '') => {
    const page = await blank({
      permissions: ['camera', 'microphone'],
      viewport: { width: 320, height: 480 },
    })
    await page.addInitScript(camera ? smallCamera : noCamera)
    await page.goto(`${rig.url}/r/standup?name=${name}&autojoin=1${more}`)
    await inState(page, 'joined')
    return page
  }
  const close = (pages: readonly Page[]) => Promise.all(pages.map((page) => page.context().close()))
  /** By hand, so that they are gone at once: of sockets that are lost the server waits for a while. */
  const leave = async (pages: readonly Page[]) => {
    for (const page of pages) await page.keyboard.press('d')
    await Promise.all(pages.map((page) => inState(page, 'left')))
    await close(pages)
  }
  const idOf = (page: Page) => page.evaluate(() => window.__parley?.participantId ?? '')
  const figure = (page: Page, name: string, text: RegExp) =>
    page.locator(`[data-figure="${name}"] strong`).filter({ hasText: text }).waitFor()

  it('REQ-A1, REQ-A3, REQ-G4: shows six in a call, of whom two are on a relay, and what that costs, right after each update', async () => {
    const admin = await open(await rig.adminLink())
    await figure(admin, 'users', /^0$/)
    expect(new URL(admin.url()).hash).toBe('')
    await admin.locator('[data-figure="cost"] small').filter({ hasText: '$12.50' }).waitFor()

    const direct: Page[] = []
    for (const name of ['Linh', 'Minh', 'Noor', 'Tove']) direct.push(await enter(name, false))
    await figure(admin, 'users', /^4$/)
    const ana = await enter('Ana', true, '&relay=1')
    const kofi = await enter('Kofi', true, '&relay=1')
    await figure(admin, 'users', /^6$/)
    await figure(admin, 'relayed', /^2$/)
    await figure(admin, 'estimate', /^\$0\.10/)
    const row = admin.getByRole('row').filter({ hasText: 'standup' })
    expect(await row.getByRole('cell').first().textContent()).toBe('6')

    // By keyboard alone: to the room, to Kofi, and why.
    const [anasId, id] = [await idOf(ana), await idOf(kofi)]
    await admin.getByRole('button', { name: 'standup', exact: true }).focus()
    await admin.keyboard.press('Enter')
    const relayed = admin.getByRole('row').filter({ has: admin.locator('.relay-badge') })
    expect((await relayed.getByRole('rowheader').allTextContents()).toSorted()).toEqual(
      [anasId, id].toSorted(),
    )
    await admin.getByRole('button', { name: id, exact: true }).focus()
    await admin.keyboard.press('Enter')
    const dialog = admin.getByRole('dialog')
    await dialog.getByText('the link or the server asks for a relay').first().waitFor()
    await dialog.locator('canvas').first().waitFor()
    await admin.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })

    await admin.getByRole('tab', { name: /^Alerts/ }).click()
    await admin.getByText('On a relay, which costs').first().waitFor()
    await admin
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .click()
    await admin.getByText('Acknowledged').first().waitFor()
    await admin.getByRole('tab', { name: 'Meetings' }).click()

    await leave([kofi])
    await figure(admin, 'users', /^5$/)
    await figure(admin, 'relayed', /^1$/)
    await figure(admin, 'estimate', /^\$0\.05/)
    await leave([ana, ...direct])
    await figure(admin, 'users', /^0$/)
    await figure(admin, 'estimate', /^\$0\.00/)

    const { wrong, counts } = await followTold(admin)
    expect(wrong).toEqual([])
    expect(counts).toEqual(expect.arrayContaining(['0/0', '4/0', '6/2', '5/1']))
    expect(problems).toEqual([])
    await close([admin])
  }, 400_000)

  it('REQ-G2: without a link, and for another tenant, there is nothing of these meetings', async () => {
    const nobody = await open('/admin')
    await nobody.getByRole('heading', { name: 'Only admins see this page' }).waitFor()
    const forged = await open(`${await rig.adminLink()}x`)
    await forged.getByRole('heading', { name: 'This link is not valid' }).waitFor()
    await close([nobody, forged])
    const guest = await enterReporting(rig.url, 'retro')
    const [own, other] = [
      await open(await rig.adminLink()),
      await open(await rig.adminLink('other')),
    ]
    const retro = own.getByRole('button', { name: 'retro', exact: true })
    await retro.waitFor()
    await other.getByRole('status').filter({ hasText: 'Live' }).waitFor()
    await figure(other, 'users', /^0$/)
    await other.locator('[data-figure="cost"] small').filter({ hasText: '$999' }).waitFor()
    expect(await other.getByRole('tab', { name: 'HTTP' }).count()).toBe(0)
    expect(problems).toEqual([])
    guest.leave()
    await retro.waitFor({ state: 'detached' })
    await close([own, other])
  }, 400_000)

  it('REQ-W3, REQ-A2: axe-core finds nothing on any of its tabs', async () => {
    const guests = [
      await enterReporting(rig.url, 'review', { relayed: 1, rtt: 350, min: 320, max: 400 }),
      await enterReporting(rig.url, 'review'),
    ]
    const admin = await open(await rig.adminLink())
    const found: Record<string, string[]> = {}
    const look = async (name: string, thing: string) => {
      await admin.locator(thing).first().waitFor()
      found[name] = await accessibilityProblems(admin)
    }
    await look('meetings', '.relay-badge')
    await admin.getByRole('button', { name: 'review', exact: true }).click()
    await look('people', '.admin-room')
    await admin.locator('.admin-table .admin-link').first().click()
    await look('a participant', '[role=dialog] canvas')
    await admin.keyboard.press('Escape')
    await admin.getByRole('tab', { name: 'Quality' }).click()
    await look('quality', '.admin-heat canvas')
    await admin.getByRole('tab', { name: /^Alerts/ }).click()
    await look('alerts', 'text=On a relay, which costs')
    await admin.getByRole('tab', { name: 'HTTP' }).click()
    await look('requests', 'text=2,400')
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])))
    expect(problems).toEqual([])
    expect([...meter.asked].toSorted()).toEqual([
      '/api/v1/report true',
      '/api/v1/traffic/live true',
      '/api/v1/traffic/series true',
    ])
    for (const guest of guests) guest.leave()
    await close([admin])
  }, 400_000)
})

/** Runs in the page, before all else. */
function smallCamera(): void {
  const { mediaDevices } = navigator
  const open = mediaDevices.getUserMedia.bind(mediaDevices)
  mediaDevices.getUserMedia = (asked) =>
    open(asked?.video ? { ...asked, video: { width: 160, height: 90, frameRate: 5 } } : asked)
}

/** The same where none is plugged in. */
function noCamera(): void {
  const { mediaDevices } = navigator
  const open = mediaDevices.getUserMedia.bind(mediaDevices)
  mediaDevices.getUserMedia = async (asked) => {
    if (asked?.video) throw new DOMException('there is none', 'NotFoundError')
    return open(asked)
  }
}
