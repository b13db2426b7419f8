/**
 * Pictures of the admin page: `node webapp/src/testing/adminPictures.ts DIRECTORY [NAME…]`
 *
 * The real page and the real server; those in the meetings are sockets that say made-up figures.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { startFakeMeter } from './fakeMeter.ts'
import { startMeetingRig } from './meetingRig.ts'
import { enterReporting } from './reportingGuest.ts'

const [directory, ...only] = process.argv.slice(2)
if (!directory) {
  console.error('error: usage: node webapp/src/testing/adminPictures.ts DIRECTORY [NAME…]')
  process.exit(2)
}
await mkdir(directory, { recursive: true })

const rooms = { 'weekly-planning': 6, 'design-review': 4, standup: 3, interview: 2, support: 5 }
const meter = await startFakeMeter({ default: 18.42 })
const [browser, rig] = await Promise.all([
  launchChromium(),
  startMeetingRig(8, undefined, meter.settings),
])
const server = await rig.start(0)
const guests: Awaited<ReturnType<typeof enterReporting>>[] = []

async function enter(room: string, index: number) {
  const rtt = [24, 61, 148, 32, 260, 430][(index * 5 + room.length) % 6] ?? 20
  guests.push(
    await enterReporting(server.url, room, {
      ...{ up: 900 + index * 130, down: 2100 + index * 90, rtt, min: rtt, max: rtt + 8 },
      ...{ loss: rtt > 200 ? 3.2 : 0.1, relayed: index % 4 === 1 ? 1 : 0 },
    }),
  )
}

const looks = [
  ['desktop', { width: 1280, height: 800 }, 'light', 'en'],
  ['dark', { width: 1280, height: 800 }, 'dark', 'vi'],
  ['phone', { width: 390, height: 844 }, 'light', 'vi'],
] as const
const views: Record<string, (page: Page) => Promise<void>> = {
  meetings: async () => {},
  room: async (page) => {
    await page.getByRole('button', { name: 'weekly-planning', exact: true }).click()
  },
  person: async (page) => {
    await page.locator('.admin-table tbody .admin-link').first().click()
    await page.locator('.admin-person canvas').first().waitFor()
  },
  alerts: async (page) => {
    await page.keyboard.press('Escape')
    await page.getByRole('tab').nth(2).click()
  },
  quality: async (page) => {
    await page.getByRole('tab').nth(1).click()
    await page.locator('.admin-heat canvas').first().waitFor()
  },
  http: async (page) => {
    await page.getByRole('tab').nth(3).click()
    await page.locator('.admin-table').waitFor()
  },
}
try {
  for (const [room, count] of Object.entries(rooms))
    for (let index = 0; index < count; index++) await enter(room, index)
  for (const [name, viewport, colorScheme, locale] of looks) {
    const context = await browser.newContext({ viewport, colorScheme, locale })
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    page.on('pageerror', (error) => console.error('page', error.message))
    page.on('console', (message) => message.type() === 'error' && console.error(message.text()))
    await page.goto(`${server.url}${await rig.adminLink()}`)
    await page.locator('.admin-table tbody tr').nth(4).waitFor()
    for (const [view, show] of Object.entries(views)) {
      await show(page)
      const picture = `admin-${name}-${view}`
      if (only.length > 0 && !only.includes(picture)) continue
      await page.screenshot({ path: join(directory, `${picture}.png`), animations: 'disabled' })
      console.log(picture)
    }
    await context.close()
  }
} finally {
  for (const guest of guests) guest.leave()
  await browser.close()
  await server.close()
  await meter.stop()
  await rig.clean()
}
