import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { meterTokenHeader } from '@parley/protocol'
import type { Signaling } from '@parley/signaling'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../../testing/chromium.ts'
import { startMeetingRig } from '../../testing/meetingRig.ts'
import { inState } from '../../testing/pages.ts'
import { enterReporting } from '../../testing/reportingGuest.ts'
import { startTurnServer } from '../../testing/turnServer.ts'

const meterToken = 'the token of the meter of this test'
const withinMs = 90_000

describe('REQ-A1: the admin page', () => {
  let turn: Awaited<ReturnType<typeof startTurnServer>>
  let rig: Awaited<ReturnType<typeof startMeetingRig>>
  let server: Signaling
  let browser: Browser
  let meter: Server
  let folder: string
  const problems: string[] = []
  const asked = new Set<string>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-admin-'))
    meter = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://meter').pathname
      asked.add(`${path} ${request.headers[meterTokenHeader] === meterToken}`)
      const rows = [
        { tenant: 'default', totalCost: 12.5 },
        { tenant: 'other', totalCost: 999 },
      ]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ currency: 'USD', rows }))
    })
    await new Promise<void>((resolve) => meter.listen(0, '127.0.0.1', resolve))
    const tokenFile = join(folder, 'meter-token')
    await writeFile(tokenFile, meterToken)
    ;[browser, turn] = await Promise.all([launchChromium(), startTurnServer()])
    rig = await startMeetingRig(6, turn, {
      PARLEY_METER_API: `http://127.0.0.1:${(meter.address() as AddressInfo).port}`,
      PARLEY_METER_TOKEN_FILE: tokenFile,
    })
    server = await rig.start(0)
  }, 300_000)

  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await rig?.clean()
    await turn?.stop()
    meter?.close()
    await rm(folder, { recursive: true, force: true })
  }, 120_000)

  const open = async (path: string) => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
    const page = await context.newPage()
    page.setDefaultTimeout(withinMs)
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|WebSocket/.test(message.text()))
        problems.push(message.text())
    })
    await page.goto(`${server.url}${path}`)
    return page
  }
  const enter = async (name: string, more = '') => {
    const page = await open(`/r/standup?name=${name}&autojoin=1${more}`)
    await inState(page, 'joined')
    return page
  }
  const idOf = (page: Page) => page.evaluate(() => window.__parley?.participantId ?? '')
  const figure = (page: Page, name: string, text: RegExp) =>
    page.locator(`[data-figure="${name}"] strong`).filter({ hasText: text }).waitFor()

  it('REQ-A1, REQ-A3, REQ-G4: shows who is there, who is relayed and what that costs, as it changes', async () => {
    const admin = await open(await rig.adminLink())
    await figure(admin, 'users', /^0$/)
    expect(new URL(admin.url()).hash).toBe('')
    await admin.locator('[data-figure="cost"] small').filter({ hasText: '$12.50' }).waitFor()

    // Two of six with a relay: two pages, which have one between them, and four of whom no media comes.
    const guests = await Promise.all([1, 2, 3, 4].map(() => enterReporting(server.url, 'standup')))
    await figure(admin, 'users', /^4$/)
    await figure(admin, 'relayed', /^0$/)
    await figure(admin, 'estimate', /^\$0\.00/)
    const [ana, kofi] = [await enter('Ana', '&relay=1'), await enter('Kofi', '&relay=1')] as const
    await figure(admin, 'users', /^6$/)
    await figure(admin, 'relayed', /^2$/)
    await figure(admin, 'estimate', /^\$0\.10/)
    const row = admin.getByRole('row').filter({ hasText: 'standup' })
    await row.getByRole('cell').first().filter({ hasText: /^6$/ }).waitFor()
    await row.locator('.relay-badge').filter({ hasText: '2 on a relay' }).waitFor()

    // By keyboard alone: to the room, to Kofi, and why.
    const [anasId, id] = [await idOf(ana), await idOf(kofi)]
    await admin.getByRole('button', { name: 'standup', exact: true }).focus()
    await admin.keyboard.press('Enter')
    const relayed = admin.getByRole('row').filter({ has: admin.locator('.relay-badge') })
    // The list of rooms, which it takes the place of, has one such row.
    await relayed.nth(1).waitFor()
    expect((await relayed.getByRole('rowheader').allTextContents()).toSorted()).toEqual(
      [anasId, id].toSorted(),
    )
    const mos = relayed.getByRole('cell').filter({ hasText: /^[1-4]\.\d$/ })
    await mos.nth(1).waitFor()
    await admin.getByRole('button', { name: id, exact: true }).focus()
    await admin.keyboard.press('Enter')
    const dialog = admin.getByRole('dialog')
    await dialog.getByText('the link or the server asks for a relay').first().waitFor()
    await dialog.locator('canvas').first().waitFor()
    await dialog.getByText('Mean opinion score (1 to 4.5)').first().waitFor()
    await admin.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })

    await admin.getByRole('tab', { name: /^Alerts/ }).click()
    await admin.getByText('On a relay, which costs').first().waitFor()
    await admin
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .click()
    await admin.getByText('Acknowledged').first().waitFor()
    await admin.getByRole('tab', { name: 'Quality' }).click()
    await admin.locator('.admin-heat canvas').first().waitFor()

    // Nobody is left to relay to.
    await kofi.context().close()
    await figure(admin, 'users', /^5$/)
    await figure(admin, 'relayed', /^0$/)
    await figure(admin, 'estimate', /^\$0\.00/)
    for (const guest of guests) guest.leave()
    await figure(admin, 'users', /^1$/)
    expect([...asked]).toEqual(['/api/v1/report true'])
    expect(problems).toEqual([])
    for (const page of [ana, admin]) await page.context().close()
  }, 400_000)

  it('REQ-G2: without a link, and for another tenant, there is nothing of these meetings', async () => {
    const nobody = await open('/admin')
    await nobody.getByRole('heading', { name: 'Only admins see this page' }).waitFor()
    await nobody.context().close()
    const forged = await open(`${await rig.adminLink()}x`)
    await forged.getByRole('heading', { name: 'This link is not valid' }).waitFor()
    await forged.context().close()
    const guest = await enterReporting(server.url, 'retro')
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
    for (const page of [own, other]) await page.context().close()
  }, 400_000)
})
