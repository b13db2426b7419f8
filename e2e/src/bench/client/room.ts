import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import type { BenchOptions, Figure } from '../bench.ts'
import { smallCameras } from '../join/first-frame.ts'
import { Lab } from '../join/lab.ts'
import { openStand, type Stand } from '../join/stand.ts'
import { monitoringSwitch } from './monitoring-switch.ts'
import { perMinuteOf, reportsOf } from './reports.ts'

/** Of a page that has just come: until it does what it does from then on, and how long that is looked at. */
const settleMs = 10_000
const lookMs = 20_000
const turns = 2
/** Of processor time in /proc, everywhere that Chromium is made for. */
const ticksPerSecond = 100
const others = ['Ana', 'Ben', 'Chi']
const kinds = ['monitored', 'not monitored', 'plain'] as const
type Kind = (typeof kinds)[number]

/** Of a core, in %: the whole browser, and in it those threads of pages that run their JavaScript. */
type Share = { browser: number; scripts: number }

/**
 * Four people on the SFU, three of them in one browser, and one alone in another, whose processor time is taken: with
 * monitoring, without it, and with LiveKit's own client and nothing else, in turns.
 */
export async function measureRoom(folder: string, options: BenchOptions): Promise<Figure[]> {
  const { say, signal, repeat } = options
  const lab = await Lab.build('pcb')
  const closers: (() => unknown)[] = [() => lab.remove()]
  try {
    // From the third on, rooms are on the SFU, as those of LiveKit's client are.
    const stand = await openStand({ lab, folder, meshMax: 2, signal })
    closers.push(() => stand.close())
    const taken: Record<Kind, Share[]> = { monitored: [], 'not monitored': [], plain: [] }
    const perMinute: number[] = []
    for (let turn = 0; turn < turns * repeat; turn++)
      // There and back: machines get faster and slower, and what is compared takes turns at being first.
      for (const kind of turn % 2 === 0 ? kinds : kinds.toReversed()) {
        const seats = await Promise.all(
          others.map((who) => open(stand.a, stand, linkOf(stand, kind, who, turn))),
        )
        const measured = await open(stand.b, stand, linkOf(stand, kind, 'Dan', turn), kind)
        const pages = [...seats, measured]
        for (const { page } of pages)
          await page.waitForFunction(seesAll, others.length, { timeout: 60_000 })
        if (kind === 'plain') for (const { page } of pages) await page.evaluate(showAll)
        await sleep(settleMs, undefined, { signal })
        const since = Date.now()
        const share = await shareDuring(stand.b, () => sleep(lookMs, undefined, { signal }))
        taken[kind].push(share)
        if (kind === 'monitored')
          for (const { reports } of pages)
            perMinute.push(...perMinuteOf(reports.filter(({ atMs }) => atMs >= since)))
        say(
          `${kind}: ${share.browser.toFixed(1)} %, scripts ${share.scripts.toFixed(2)} % of a core`,
        )
        for (const { page } of pages) await page.context().close()
      }
    return figuresOf(taken, perMinute)
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** A room for each turn: who goes without a word has a seat for a while. */
function linkOf(stand: Stand, kind: Kind, who: string, turn: number): string {
  const room = `${kind.replace(' ', '-')}-${turn}`
  return kind === 'plain' ? stand.plain(room, who) : stand.parley(room, who)
}

async function open(browser: Browser, { origins }: Stand, link: string, kind?: Kind) {
  const context = await browser.newContext({ viewport: { width: 640, height: 480 } })
  await smallCameras(context)
  for (const origin of origins) await context.grantPermissions(['camera', 'microphone'], { origin })
  const page = await context.newPage()
  if (kind === 'not monitored') (await monitoringSwitch(page)).on = false
  const reports = reportsOf(page)
  await page.goto(link)
  return { page, reports }
}

/** Runs in the page, whichever it is. */
function seesAll(count: number): boolean {
  const { __parley, room } = window as unknown as {
    __parley?: { state: string }
    room?: { state: string }
  }
  const live = [...document.querySelectorAll('video')].filter(
    ({ videoWidth, currentTime }) => videoWidth > 0 && currentTime > 1,
  )
  return (__parley?.state === 'joined' || room?.state === 'connected') && live.length >= count
}

/** Runs in a page of LiveKit's client: four pictures in view, its own among them, as in a call of four. */
function showAll(): void {
  type Track = { attach(): HTMLElement }
  type Publications = Map<string, { track?: Track }>
  const { room } = window as unknown as {
    room: { localParticipant: { videoTrackPublications: Publications } }
  }
  for (const { track } of room.localParticipant.videoTrackPublications.values())
    if (track) document.body.append(track.attach())
  document.body.style.margin = '0'
  for (const video of document.querySelectorAll('video'))
    video.style.cssText = 'float: left; width: 50vw; height: 50vh; object-fit: cover'
}

async function shareDuring(browser: Browser, pass: () => Promise<unknown>): Promise<Share> {
  const [from, before] = [performance.now(), await cpuSecondsOf(browser)]
  await pass()
  const after = await cpuSecondsOf(browser)
  const percent = 100_000 / (performance.now() - from)
  return {
    browser: (after.browser - before.browser) * percent,
    scripts: (after.scripts - before.scripts) * percent,
  }
}

/** Of all processes of a browser, its own included, since each began. */
async function cpuSecondsOf(browser: Browser): Promise<Share> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const renderers = processInfo.filter(({ type }) => type === 'renderer')
  const scripts = await Promise.all(renderers.map(({ id }) => scriptSecondsOf(id)))
  return {
    browser: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0),
    scripts: scripts.reduce((sum, seconds) => sum + seconds, 0),
  }
}

/** Of its main thread and its workers; what encodes, decodes and draws has threads of its own. */
async function scriptSecondsOf(process: number): Promise<number> {
  const folder = `/proc/${process}/task`
  const seconds = (await readdir(folder)).map(async (thread) => {
    const stat = await readFile(join(folder, thread, 'stat'), 'utf8')
    const [name, rest] = [stat.slice(stat.indexOf('(') + 1), stat.slice(stat.lastIndexOf(')') + 2)]
    if (thread !== String(process) && !name.startsWith('DedicatedWorker')) return 0
    // From the third field on: the 14th and the 15th are times in user and in kernel mode (proc_pid_stat(5)).
    const fields = rest.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  })
  return (await Promise.all(seconds)).reduce((sum, one) => sum + one, 0)
}

function figuresOf(taken: Readonly<Record<Kind, readonly Share[]>>, perMinute: number[]): Figure[] {
  const of = (kind: Kind, part: keyof Share) => taken[kind].map((share) => share[part])
  const [on, plain] = [of('monitored', 'browser'), of('plain', 'browser')]
  const spread = (values: readonly number[]) =>
    [Math.min(...values), Math.max(...values)] as [number, number]
  // Of each pair of turns, so that what the machine gave at that time is in both.
  const addedTo = (part: keyof Share) =>
    of('monitored', part).map(
      (share, turn) => share - (of('not monitored', part)[turn] ?? Number.NaN),
    )
  const [added, addedToScripts] = [addedTo('browser'), addedTo('scripts')]
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  return [
    {
      name: 'events a person and minute in a room of four, at most',
      value: Math.max(...perMinute),
      unit: '',
      floor: { atMost: 6 },
      spread: spread(perMinute),
    },
    {
      name: 'processor time that monitoring adds to a page in a room of four',
      value: mean(added),
      unit: '% of a core',
      floor: { atMost: 5 },
      spread: spread(added),
    },
    {
      name: '– of that, in threads that run scripts',
      value: mean(addedToScripts),
      unit: '% of a core',
      spread: spread(addedToScripts),
    },
    {
      name: 'processor time of the page’s browser in a room of four',
      value: mean(on),
      unit: '% of a core',
      baseline: { name: 'LiveKit’s client', value: mean(plain) },
      ratio: mean(on) / mean(plain),
      floor: { atMost: Math.round(mean(plain) * 10) / 10 },
      spread: spread(on),
    },
  ]
}
