import { setTimeout as sleep } from 'node:timers/promises'
import { enterReporting } from '@parley/webapp/src/testing/reportingGuest.ts'
import { execa } from 'execa'
import type { Page } from 'playwright-core'
import type { BenchOptions, Figure } from '../bench.ts'
import { smallCameras } from '../join/first-frame.ts'
import { Lab } from '../join/lab.ts'
import { openStand } from '../join/stand.ts'
import { cutOff, meet } from '../reconnect/two.ts'

const name = 'pct'
const room = 'timings'
/** Long enough for Chromium to call the connection `disconnected`, which takes it 6 to 7 s. */
const cutSeconds = 9
const times = { cuts: 3, refreshes: 5 }
const guests = 5
const calmMs = 4000
/** What is left of the line of one of them, of 500 kbit/s that the whole picture is sent from (REQ-P24). */
const narrowKbps = 200
/** Until browsers have found out what a line takes, and the picture is what it was. */
const findOutMs = 40_000

/**
 * The times that the properties of a meeting name and that neither voices nor keys are part of, in Chromium: two pages in
 * namespaces, linked to each other, of which one is cut off, has a narrow line, is refreshed, and hears others come and go.
 */
export async function measureTimings(
  folder: string,
  { say, signal }: BenchOptions,
): Promise<Figure[]> {
  const lab = await Lab.build(name)
  try {
    const stand = await openStand({ lab, folder, meshMax: 8, signal })
    try {
      const link = (who: string) => stand.parley(room, who)
      const [other, page] = await meet(stand, link, false, async (context) => {
        await smallCameras(context)
        await context.addInitScript(probe)
      })
      const server = new URL(link('')).origin
      return [
        ...(await measureCuts([other, page], signal)),
        ...(await measureNarrow(page, say, signal)),
        ...(await measureSounds(page, server, signal)),
        ...(await measureRefreshes(page, signal)),
      ]
    } finally {
      await stand.close()
    }
  } finally {
    await lab.remove()
  }
}

async function measureCuts(pages: [Page, Page], signal: AbortSignal): Promise<Figure[]> {
  const begun: number[] = []
  const drawn: number[] = []
  for (let nth = 0; nth < times.cuts; nth++) {
    await sleep(calmMs, undefined, { signal })
    const { cutAtMs, restoredAtMs } = await cutOff(`${name}-b`, cutSeconds, signal)
    await sleep(calmMs, undefined, { signal })
    const [first, second] = await Promise.all(pages.map(seenBy))
    for (const { restarts, states, veils } of [first, second].filter((one) => one !== undefined)) {
      const word = (state: string, afterMs: number) =>
        states.find(({ said, atMs }) => said === state && atMs > afterMs)?.atMs
      const restart = restarts.find((atMs) => atMs > cutAtMs)
      const lost = word('disconnected', cutAtMs)
      // One of the two ends begins.
      if (restart !== undefined && lost !== undefined && restart < restoredAtMs)
        begun.push(restart - lost)
      const back = word('connected', restoredAtMs)
      const clear = veils.find(({ atMs, veiled }) => !veiled && atMs > restoredAtMs)?.atMs
      if (back !== undefined && clear !== undefined) drawn.push(clear - back)
    }
  }
  const gaps = (await Promise.all(pages.map(seenBy))).flatMap(({ readings }) =>
    readings.slice(1).map((atMs, index) => atMs - (readings[index] ?? atMs)),
  )
  return [
    figure('P5: between two readings of a link, in calls and cuts, at most', gaps, 2000),
    figure('P6: the browser says connected to drawn', drawn, 100),
    figure('P7: the browser says disconnected to another way begun', begun, 1000),
  ]
}

async function measureNarrow(
  page: Page,
  say: BenchOptions['say'],
  signal: AbortSignal,
): Promise<Figure[]> {
  await sleep(2 * calmMs, undefined, { signal })
  await page.evaluate(() => window.timingsProbe.followRoom())
  const line = ['-netns', `${name}-b`, 'qdisc']
  const shape = ['tbf', 'rate', `${narrowKbps}kbit`, 'burst', '4kb', 'latency', '150ms']
  await execa('tc', [...line, 'add', 'dev', 'eth0', 'root', ...shape])
  const narrowAtMs = Date.now()
  try {
    await untilScale(page, (scale) => scale > 1, signal)
    await sleep(2 * calmMs, undefined, { signal })
  } finally {
    await execa('tc', [...line, 'del', 'dev', 'eth0', 'root'])
  }
  await untilScale(page, (scale) => scale === 1, signal)
  const { scales, rooms } = await seenBy(page)
  const since = scales.filter(({ atMs }) => atMs > narrowAtMs)
  const from = (atMs: number) => `${Math.round(atMs - narrowAtMs)} ms`
  const least = rooms.filter(({ atMs }) => atMs > narrowAtMs).map(({ kbps }) => kbps)
  say(
    `narrow: room for ${Math.round(Math.min(...least))} kbit/s at least; the picture by ${since.map(({ atMs, scale }) => `${scale} after ${from(atMs)}`).join(', ')}`,
  )
  const little = rooms.find(({ atMs, kbps }) => atMs > narrowAtMs && kbps < 500)?.atMs ?? Infinity
  const smaller = since.find(({ scale }) => scale > 1)?.atMs ?? Infinity
  const rises = since.flatMap(({ atMs, scale }, index) => {
    const before = since[index - 1]
    return before && scale < before.scale ? [atMs - before.atMs] : []
  })
  return [
    figure(
      'P24: the browser has found less than 500 kbit/s to a smaller picture',
      [smaller - little],
      2000,
    ),
    figure('P24: the line is narrow to a smaller picture', [smaller - narrowAtMs]),
    {
      ...figure('P25: between two levels up, at least', rises),
      ...{ value: Math.min(...rises), floor: { atLeast: 5000 } },
    },
  ]
}

async function measureSounds(page: Page, server: string, signal: AbortSignal): Promise<Figure[]> {
  const beganAtMs = Date.now()
  const all = await Promise.all(Array.from({ length: guests }, () => enterReporting(server, room)))
  await sleep(calmMs, undefined, { signal })
  for (const guest of all) guest.leave()
  await sleep(calmMs, undefined, { signal })
  const sounds = (await seenBy(page)).sounds.filter((atMs) => atMs > beganAtMs)
  const within = sounds.map(
    (from) => sounds.filter((atMs) => atMs >= from && atMs <= from + 2000).length,
  )
  if (within.length === 0) throw new Error('nobody was heard to come or go')
  return [
    {
      name: `P19: sounds in 2 s, ${guests} come and go at once, at most`,
      ...{ value: Math.max(...within), unit: 'sounds', floor: { atMost: 3 } },
    },
  ]
}

async function measureRefreshes(page: Page, signal: AbortSignal): Promise<Figure[]> {
  const asked: number[] = []
  const back: number[] = []
  for (let nth = 0; nth < times.refreshes; nth++) {
    await sleep(calmMs, undefined, { signal })
    // What brings it back is not the address.
    await page.evaluate(() => history.replaceState(null, '', location.pathname))
    await page.reload()
    await page.waitForFunction(() => window.timingsProbe.joinedMs !== undefined, undefined, {
      ...{ timeout: 30_000, polling: 100 },
    })
    const { askedMs, joinedMs } = await page.evaluate(() => {
      const requests = performance.getEntriesByType('resource')
      const askedMs = requests.find(({ name }) => name.endsWith('/join'))?.startTime
      return { askedMs, joinedMs: window.timingsProbe.joinedMs }
    })
    asked.push(askedMs ?? Infinity)
    back.push(joinedMs ?? Infinity)
  }
  return [
    figure('P27: refreshed to the seat asked for', asked, 2000),
    figure('refreshed to back in the room', back, 1500),
  ]
}

/** The longest of them. */
function figure(what: string, values: readonly number[], atMost?: number): Figure {
  return {
    ...{ name: what, value: Math.max(...values), unit: 'ms' },
    ...(atMost !== undefined && { floor: { atMost } }),
    spread: [Math.min(...values), Math.max(...values)],
  }
}

const seenBy = (page: Page) =>
  page.evaluate(() => {
    const { readings, restarts, states, veils, scales, rooms, sounds } = window.timingsProbe
    return { readings, restarts, states, veils, scales, rooms, sounds }
  })

/** Waits no longer than {@link findOutMs}: what did not come to pass then misses its floor. */
async function untilScale(page: Page, holds: (scale: number) => boolean, signal: AbortSignal) {
  const end = Date.now() + findOutMs
  while (Date.now() < end) {
    const { scales } = await seenBy(page)
    if (holds(scales.at(-1)?.scale ?? 1)) return
    await sleep(100, undefined, { signal })
  }
}

declare global {
  interface Window {
    /** Times in ms since 1970. */
    timingsProbe: {
      /** When a link was read. */
      readings: number[]
      /** When another way was begun. */
      restarts: number[]
      states: { atMs: number; said: RTCPeerConnectionState }[]
      /** Whether the other one's tile says that the way is gone, as drawn. */
      veils: { atMs: number; veiled: boolean }[]
      /** By what the sides of the camera's picture are divided. */
      scales: { atMs: number; scale: number }[]
      /** What the browser takes the line to have room for; of a picture that needs less it looks for no more than that. */
      rooms: { atMs: number; kbps: number }[]
      /** When one began that tells of somebody who comes or goes. */
      sounds: number[]
      /** Since the page was loaded. */
      joinedMs: number | undefined
      /** Notes {@link rooms} from now on. */
      followRoom(): void
    }
  }
}

type Row = {
  id: string
  type: string
  selectedCandidatePairId?: string
  availableOutgoingBitrate?: number
}

/** Runs in the page, before all else. */
function probe(): void {
  const now = () => performance.timeOrigin + performance.now()
  const connections: RTCPeerConnection[] = []
  const seen: Window['timingsProbe'] = {
    ...{ readings: [], restarts: [], states: [], veils: [], scales: [], rooms: [], sounds: [] },
    joinedMs: undefined,
    followRoom() {
      setInterval(async () => {
        const connection = connections.findLast((one) => one.connectionState === 'connected')
        if (!connection) return
        const report = await Native.prototype.getStats.call(connection)
        const rows = [...(report as unknown as Map<string, Row>).values()]
        const selected = rows.find(({ type }) => type === 'transport')?.selectedCandidatePairId
        const kbps = (rows.find(({ id }) => id === selected)?.availableOutgoingBitrate ?? 0) / 1000
        seen.rooms.push({ atMs: now(), kbps })
      }, 100)
    },
  }
  window.timingsProbe = seen

  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections.push(this)
      this.addEventListener('connectionstatechange', () =>
        seen.states.push({ atMs: now(), said: this.connectionState }),
      )
    }
    override getStats(selector?: MediaStreamTrack | null) {
      seen.readings.push(now())
      return super.getStats(selector)
    }
    override restartIce() {
      seen.restarts.push(now())
      super.restartIce()
    }
  }

  const { setParameters } = RTCRtpSender.prototype
  RTCRtpSender.prototype.setParameters = function (parameters, options) {
    const scale = parameters.encodings[0]?.scaleResolutionDownBy ?? 1
    const isCamera = this.track?.kind === 'video'
    if (isCamera && scale !== (seen.scales.at(-1)?.scale ?? 1))
      seen.scales.push({ atMs: now(), scale })
    return setParameters.call(this, parameters, options)
  }

  // Of each of the two sounds, the first tone.
  const first = [523, 659]
  window.OscillatorNode = class extends OscillatorNode {
    override start(when?: number) {
      if (first.includes(Math.round(this.frequency.value))) seen.sounds.push(now())
      super.start(when)
    }
  }

  let veiled = false
  new MutationObserver(() => {
    const veil = document.querySelector('.tile:not(.own) .tile-veil') !== null
    if (veil === veiled) return
    veiled = veil
    requestAnimationFrame(() => seen.veils.push({ atMs: now(), veiled: veil }))
  }).observe(document, { subtree: true, childList: true })

  const entering = setInterval(() => {
    if ((window as { __parley?: { state: string } }).__parley?.state !== 'joined') return
    seen.joinedMs = performance.now()
    clearInterval(entering)
  }, 10)
}
