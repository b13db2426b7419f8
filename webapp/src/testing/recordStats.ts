/**
 * Records what getStats() says in calls of real browsers, as test data: `npm run stats -w webapp`, or, with
 * `-- relays`, those of relayed calls alone, and leaves the others as they are.
 * Of each call two readings, five seconds apart, of what metrics are made of; no addresses are in it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { keptRows } from '../features/metrics/statsRows.ts'
import { launchChromium } from './chromium.ts'
import { startMeetingRig } from './meetingRig.ts'
import { inCallWith, inState, mediaSeen, untilPage } from './pages.ts'
import { startSfuRig } from './sfuRig.ts'
import { startTurnServer } from './turnServer.ts'

const apartMs = 5000
const file = fileURLToPath(new URL('../features/metrics/testing/recorded.jsonl', import.meta.url))

/** Keeps every connection that the page makes. */
function keepConnections() {
  const kept: RTCPeerConnection[] = []
  const Original = RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      kept.push(this)
    }
  }
  Object.assign(globalThis, { kept })
}

/** Of the connections that are connected, all rows. */
const read = (page: Page) =>
  page.evaluate(async () => {
    const all = (globalThis as unknown as { kept: RTCPeerConnection[] }).kept
    const live = all.filter(({ connectionState }) => connectionState === 'connected')
    const atMs = performance.now()
    const reports = await Promise.all(live.map((connection) => connection.getStats()))
    const connections = reports.map((_report, index) => ({
      connectionState: live[index]?.connectionState,
      iceConnectionState: live[index]?.iceConnectionState,
      rows: [] as [string, unknown][],
    }))
    reports.forEach((report, index) => {
      report.forEach((row, id) => {
        connections[index]?.rows.push([id, row])
      })
    })
    return { atMs, connections }
  })

const turn = await startTurnServer()
const browser = await launchChromium({ trusts: [turn.publicKeyHash] })
const recorded: string[] = []

async function enter(origin: string, room: string, name: string, more = '') {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
  const page = await context.newPage()
  await page.addInitScript(keepConnections)
  await page.goto(`${origin}/r/${room}?name=${name}&autojoin=1${more}`)
  await inState(page, 'joined')
  return page
}

async function record(name: string, page: Page) {
  const readings: unknown[] = []
  for (const ms of [0, apartMs]) {
    await new Promise((resolve) => setTimeout(resolve, ms))
    const { atMs, connections } = await read(page)
    const lean = connections.map(({ rows, ...states }) => ({ ...states, rows: keptRows(rows) }))
    readings.push({ atMs: Math.round(atMs), connections: lean })
  }
  const made = `Chromium ${browser.version().split('.')[0]}`
  recorded.push(JSON.stringify({ call: name, browser: made, readings }))
}

/** One call that grows from the mesh to the SFU. */
async function recordGrowingCall() {
  const rig = await startSfuRig(2)
  try {
    const ana = await enter(rig.url, 'mesh', 'Ana')
    const minh = await enter(rig.url, 'mesh', 'Minh')
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    await record('mesh', ana)
    await minh.keyboard.press('m')
    await minh.keyboard.press('v')
    await mediaSeen(ana, 'Minh', false, false)
    await record('muted', ana)
    await ana.evaluate(() => {
      for (const one of (globalThis as unknown as { kept: RTCPeerConnection[] }).kept)
        one.restartIce()
    })
    await minh.keyboard.press('m')
    await minh.keyboard.press('v')
    await mediaSeen(ana, 'Minh', true, true)
    await inCallWith(ana, 1)
    await record('renegotiated', ana)
    const kofi = await enter(rig.url, 'mesh', 'Kofi')
    await Promise.all([ana, minh, kofi].map((page) => inCallWith(page, 2)))
    await untilPage(
      ana,
      'all over the SFU',
      async () => (await window.__parley?.peers())?.every(({ link }) => link === 'connected'),
      undefined,
    )
    await record('sfu', kofi)
    await Promise.all([ana, minh, kofi].map((page) => page.context().close()))
  } finally {
    await rig.stop()
  }
}

/** A call through the relay for each way to reach it. */
async function recordRelays() {
  for (const [way, url] of Object.entries(turn.urls)) {
    const rig = await startMeetingRig(2, { secret: turn.secret, url })
    const server = await rig.start(0)
    try {
      const relayed = await enter(server.url, 'relay', 'Ana', '&relay=1')
      const other = await enter(server.url, 'relay', 'Minh')
      await inCallWith(relayed, 1)
      await record(`relay ${way}`, relayed)
      await Promise.all([relayed, other].map((page) => page.context().close()))
    } finally {
      await server.close()
      await rig.clean()
    }
  }
}

try {
  if (process.argv[2] === 'relays') {
    const before = (await readFile(file, 'utf8')).trim().split('\n')
    recorded.push(...before.filter((line) => !line.startsWith('{"call":"relay')))
  } else await recordGrowingCall()
  await recordRelays()
  await writeFile(file, `${recorded.join('\n')}\n`)
} finally {
  await browser.close()
  await turn.stop()
}
