/**
 * Pictures of the admin page: `node webapp/src/testing/adminPictures.ts DIRECTORY [NAME…]`
 *
 * The real page and the real server; those in the meetings are sockets that say made-up figures.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { startMeetingRig } from './meetingRig.ts'
import { enterReporting } from './reportingGuest.ts'

const [directory, ...only] = process.argv.slice(2)
if (!directory) {
  console.error('error: usage: node webapp/src/testing/adminPictures.ts DIRECTORY [NAME…]')
  process.exit(2)
}
await mkdir(directory, { recursive: true })

const rooms = { 'weekly-planning': 6, 'design-review': 4, standup: 3, interview: 2, support: 5 }
const measures = {
  count: 5210,
  errors: 3,
  bytesIn: 2.1e6,
  bytesOut: 9.4e6,
  p50Ms: 3.1,
  p95Ms: 9.7,
  p99Ms: 24,
}
const hour = 3_600_000
const meter = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://meter').pathname
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(answerOf(path)))
})
function answerOf(path: string) {
  const at = new Date().toISOString()
  if (path === '/api/v1/report')
    return { currency: 'USD', rows: [{ tenant: 'default', totalCost: 18.42 }] }
  if (path.endsWith('/series'))
    return {
      ...{ from: at, to: at, protocol: 'http' },
      rows: Array.from({ length: 24 }, (_, index) => ({
        ...measures,
        time: new Date(Math.floor(Date.now() / hour) * hour - (23 - index) * hour).toISOString(),
        count: Math.round(3000 + 2000 * Math.sin(index / 4)),
      })),
    }
  const top = ['/api/rooms/:room/join', '/socket.io/', '/api/config'].map((name, index) => ({
    ...{ name, method: index === 0 ? 'POST' : 'GET', ...measures },
    count: 2400 - index * 700,
  }))
  return {
    ...{ at, protocol: 'http', seconds: 300, total: measures, statuses: [], names: 3, top },
    perSecond: { count: 17.4, bytesIn: 7000, bytesOut: 31_000 },
    minutes: [],
  }
}
await new Promise<void>((resolve) => meter.listen(0, '127.0.0.1', resolve))
const folder = await mkdtemp(join(tmpdir(), 'parley-pictures-'))
const tokenFile = join(folder, 'meter-token')
await writeFile(tokenFile, 'token')
const [browser, rig] = await Promise.all([
  launchChromium(),
  startMeetingRig(8, undefined, {
    PARLEY_METER_API: `http://127.0.0.1:${(meter.address() as AddressInfo).port}`,
    PARLEY_METER_TOKEN_FILE: tokenFile,
  }),
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
  meter.close()
  await rig.clean()
  await rm(folder, { recursive: true, force: true })
}
