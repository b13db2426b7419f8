import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { type BenchOptions, type Figure, percentile } from '../bench.ts'
import { smallCameras } from '../join/first-frame.ts'
import { Lab, SERVER } from '../join/lab.ts'
import { openStand, type Stand } from '../join/stand.ts'
import { perMinuteOf, type Report, reportsOf } from './reports.ts'
import { type Truth, truthOf } from './truth.ts'
import { type Account, type Shape, Wire } from './wire.ts'

const name = 'pcb'
const wireName = `${name}-w`

/** Of each: until what is reported is of it alone, and how long it is then listened to. */
const settleMs = 12_000
const listenMs = 45_000
/** What a report's rates and losses are of. */
const windowMs = 5000
const lookMs = 200

const shapes: readonly Shape[] = [
  { delayMs: 10, loss: 0 },
  { delayMs: 40, loss: 0.02 },
  { delayMs: 100, loss: 0.06 },
]

/** A report and what was true of the same seconds. */
interface Compared {
  reported: Report['metrics']
  truth: Truth
}

/**
 * Two people over a line of known delay and loss: what their pages tell the gateway against what the line did, how
 * often they tell it, and in how many bytes.
 */
export async function measureAccuracy(folder: string, options: BenchOptions): Promise<Figure[]> {
  const { say, signal } = options
  const lab = await Lab.build(name)
  const closers: (() => unknown)[] = [() => lab.remove()]
  try {
    const wire = await Wire.lay({
      ...{ name: wireName, space: `${name}-b`, bridge: `${name}-br` },
      ...{ address: '10.232.0.3/24', gateway: SERVER },
    })
    closers.push(() => wire.remove())
    const stand = await openStand({ lab, folder, meshMax: 4, signal })
    closers.push(() => stand.close())
    const compared: Compared[] = []
    const steady: Report[][] = []
    const call = await meet(stand, 'line', false)
    for (const shape of shapes) {
      wire.shape(shape)
      await sleep(settleMs, undefined, { signal })
      const from = Date.now()
      const accounts = await accountsDuring(wire, listenMs, signal)
      await requireMedia(accounts, call.seats)
      for (const [side, { reports }] of Object.entries(call.seats)) {
        const heard = reports.filter(({ atMs }) => atMs >= from)
        steady.push(heard)
        for (const line of earlyOnes(heard)) say(line)
        compared.push(...comparedOf(heard, accounts, side as 'space' | 'bridge'))
      }
      say(lineOf(shape, compared))
    }
    await call.end()
    wire.shape({ delayMs: 10, loss: 0 })
    const relayed = await relayedReports(stand, signal)
    return [...figuresOf(compared), ...relayed, ...costOf(steady)]
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

type Seat = { page: Page; reports: readonly Report[] }

async function meet(stand: Stand, room: string, relay: boolean) {
  const open = async (browser: Browser, who: string): Promise<Seat> => {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } })
    await smallCameras(context)
    for (const origin of stand.origins)
      await context.grantPermissions(['camera', 'microphone'], { origin })
    const page = await context.newPage()
    const reports = reportsOf(page)
    await page.goto(stand.parley(room, who, relay && who === 'Ben'))
    return { page, reports }
  }
  const seats = { bridge: await open(stand.a, 'Ana'), space: await open(stand.b, 'Ben') }
  const pages = Object.values(seats).map(({ page }) => page)
  for (const page of pages) await page.waitForFunction(seesSomebody, undefined, { timeout: 60_000 })
  return {
    seats,
    end: async () => {
      for (const page of pages) await page.context().close()
    },
  }
}

/** Runs in the page. */
async function seesSomebody(): Promise<boolean> {
  type Hook = { peers(): Promise<{ framesDecoded: number }[]> }
  const { __parley } = window as unknown as { __parley?: Hook }
  return ((await __parley?.peers()) ?? []).some(({ framesDecoded }) => framesDecoded > 20)
}

async function accountsDuring(wire: Wire, ms: number, signal: AbortSignal): Promise<Account[]> {
  const accounts = [await wire.account()]
  const end = Date.now() + ms
  while (Date.now() < end) {
    await sleep(lookMs, undefined, { signal })
    accounts.push(await wire.account())
  }
  return accounts
}

/** @throws where media goes another way than the line, of which the line knows nothing */
async function requireMedia(
  accounts: readonly Account[],
  seats: Readonly<Record<string, Seat>>,
): Promise<void> {
  const [first, last] = [accounts.at(0), accounts.at(-1)]
  if (!first || !last) throw new Error('the line gave no account')
  if (last.up.rtp > first.up.rtp && last.down.rtp > first.down.rtp) return
  const ways = await Promise.all(Object.values(seats).map(({ page }) => page.evaluate(pairs)))
  throw new Error(`media does not go over the line, but between ${JSON.stringify(ways)}`)
}

/** Runs in the page. */
async function pairs(): Promise<unknown> {
  const { __parley } = window as unknown as { __parley?: { peers(): Promise<unknown> } }
  return __parley?.peers()
}

function comparedOf(
  reports: readonly Report[],
  accounts: readonly Account[],
  side: 'space' | 'bridge',
): Compared[] {
  return reports.flatMap(({ atMs, metrics }) => {
    const truth = truthOf(accounts, side, atMs - windowMs, atMs)
    return truth ? [{ reported: metrics, truth }] : []
  })
}

/** One of both may use a relay only, so that both are relayed. */
async function relayedReports(stand: Stand, signal: AbortSignal): Promise<Figure[]> {
  const { seats, end } = await meet(stand, 'relay', true)
  await sleep(settleMs * 2, undefined, { signal })
  const heard = Object.values(seats).flatMap(({ reports }) =>
    reports.filter(({ metrics }) => metrics.links > 0),
  )
  await end()
  const right = heard.filter(({ metrics }) => metrics.relayed === 1).length
  return [
    {
      name: 'reports of a relayed call that say so',
      value: (right / heard.length) * 100,
      unit: `% of ${heard.length}`,
      floor: { atLeast: 100 },
    },
  ]
}

function figuresOf(compared: readonly Compared[]): Figure[] {
  const off = (what: (one: Compared) => number) => compared.map(what).map(Math.abs)
  const part = (said: number, is: number) => ((said - is) / is) * 100
  const figure = (what: string, unit: string, values: number[], atMost?: number): Figure => ({
    name: `${what}: off by, p95 of ${values.length} reports`,
    value: percentile(values, 0.95),
    unit,
    spread: [Math.min(...values), Math.max(...values)],
    ...(atMost === undefined ? {} : { floor: { atMost } }),
  })
  return [
    figure(
      'round trip',
      'ms',
      off(({ reported, truth }) => (reported.rtt ?? Number.NaN) - truth.rttMs),
      5,
    ),
    figure(
      'sent',
      '%',
      off(({ reported, truth }) => part(reported.up, truth.upKbps)),
      10,
    ),
    figure(
      'received',
      '%',
      off(({ reported, truth }) => part(reported.down, truth.downKbps)),
      10,
    ),
    figure(
      'loss',
      'percentage points',
      off(({ reported, truth }) => (reported.loss ?? Number.NaN) - truth.lossPercent),
    ),
  ]
}

/** Of calls in which nothing changes: from so long after the line was shaped on. */
function costOf(steady: readonly (readonly Report[])[]): Figure[] {
  const perMinute = steady.flatMap(perMinuteOf)
  const sizes = steady.flatMap((reports) => reports.map(({ bytes }) => bytes))
  return [
    {
      name: 'events a person and minute, at most',
      value: Math.max(...perMinute),
      unit: '',
      floor: { atMost: 6 },
      spread: [Math.min(...perMinute), Math.max(...perMinute)],
    },
    {
      name: `bytes of an event, at most, of ${sizes.length}`,
      value: Math.max(...sizes),
      unit: 'B',
      floor: { atMost: 120 },
      spread: [Math.min(...sizes), Math.max(...sizes)],
    },
  ]
}

/** What was said before its time, and what was another then. */
function earlyOnes(reports: readonly Report[]): string[] {
  return reports.flatMap(({ atMs, metrics }, index) => {
    const before = reports[index - 1]
    if (!before || atMs - before.atMs > 9000) return []
    const figures = ({ up, down, rtt, loss }: Report['metrics']) =>
      `${up} and ${down} kbit/s, ${rtt} ms, ${loss} %`
    return [
      `after ${((atMs - before.atMs) / 1000).toFixed(1)} s: ${figures(metrics)}; before ${figures(before.metrics)}`,
    ]
  })
}

function lineOf({ delayMs, loss }: Shape, compared: readonly Compared[]): string {
  const [last] = compared.slice(-1)
  if (!last) return `${delayMs} ms each way, ${loss * 100} % lost: nothing was reported`
  const { reported, truth } = last
  return [
    `${delayMs} ms each way, ${loss * 100} % lost: reported ${reported.rtt} ms, ${reported.loss} %`,
    `${reported.up} and ${reported.down} kbit/s; true ${truth.rttMs.toFixed(1)} ms`,
    `${truth.lossPercent.toFixed(1)} %, ${truth.upKbps.toFixed(0)} and ${truth.downKbps.toFixed(0)} kbit/s`,
  ].join(', ')
}
