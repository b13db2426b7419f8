import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { type Bench, type BenchOptions, type Figure, percentile } from '../bench.ts'
import { smallCameras } from '../join/first-frame.ts'
import { Lab } from '../join/lab.ts'
import { openStand } from '../join/stand.ts'
import { cutOff, meet } from './two.ts'
import { type Seen, seenOf } from './watch.ts'

const name = 'prb'

/**
 * One of two people loses the network for a while: everything to and from their namespace is dropped without a
 * word, as under a bridge. Measured at both, for the page and for one with LiveKit's own client, with cameras of 640x360.
 */
export const reconnectBench: Bench = {
  name: 'reconnect',
  summary: 'cuts of 3, 10 and 30 s: when they are shown, and when live media is back',
  minutes: 12,
  parts: ['mesh', 'sfu'],
  async run(options) {
    const { parts = ['mesh', 'sfu'] } = options
    const folder = await mkdtemp(join(tmpdir(), 'parley-reconnect-bench-'))
    const lab = await Lab.build(name)
    try {
      const figures: Figure[] = []
      for (const part of ['mesh', 'sfu'] as const)
        if (parts.includes(part)) figures.push(...(await measure(part, lab, folder, options)))
      return figures
    } finally {
      await lab.remove()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

type Part = 'mesh' | 'sfu'
/** Seconds (sizes, to be chosen from), times, and within how many ms of the restore media has to be live. */
const cuts = [
  { seconds: 3, times: 5, floorMs: 500 },
  { seconds: 10, times: 3, floorMs: 500 },
  { seconds: 30, times: 1, floorMs: 2000 },
] as const
/** A cut is shown within this time of it. */
const shownFloorMs = 1000
/** Between two cuts: whatever the one before has set off is over. */
const calmMs = 4000
/** Who is not back then does not come back. */
const patienceMs = 30_000

type Times = { shown: number[]; live: number[] }
type Measured = Record<'cut' | 'peer', Times>

async function measure(
  part: Part,
  lab: Lab,
  folder: string,
  { say, signal, repeat, sizes }: BenchOptions,
): Promise<Figure[]> {
  const stand = await openStand({ lab, folder, meshMax: part === 'mesh' ? 4 : 2, signal })
  const wanted = cuts.filter(({ seconds }) => sizes?.includes(seconds) ?? true)
  try {
    const taken = new Map<number, Map<string, Measured>>()
    const links = {
      parley: (who: string) => stand.parley('bench', who),
      'LiveKit’s client': (who: string) => stand.plain('bench', who),
    }
    for (const [client, link] of Object.entries(links)) {
      const pages = await meet(stand, link, part === 'sfu' && client === 'parley', smallCameras)
      for (const { seconds, times } of wanted) {
        const measured: Measured = { cut: nothing(), peer: nothing() }
        for (let nth = 0; nth < times * repeat; nth++) {
          signal.throwIfAborted()
          await sleep(calmMs, undefined, { signal })
          await cutOnce(pages, seconds, measured, signal)
        }
        taken.set(seconds, (taken.get(seconds) ?? new Map()).set(client, measured))
        for (const [end, { shown, live }] of Object.entries(measured))
          say(
            `${part}, ${client}, ${seconds} s, ${end}: shown after ${list(shown)} ms, live after ${list(live)} ms`,
          )
      }
      for (const page of pages) await page.context().close()
    }
    return wanted.flatMap(({ seconds, floorMs }) =>
      figuresOf(part, seconds, floorMs, taken.get(seconds) ?? new Map()),
    )
  } finally {
    await stand.close()
  }
}

async function cutOnce(
  [other, cut]: [Page, Page],
  seconds: number,
  measured: Measured,
  signal: AbortSignal,
) {
  const { cutAtMs, restoredAtMs } = await cutOff(`${name}-b`, seconds, signal)
  const [ofPeer, ofCut] = await Promise.all(
    [other, cut].map((page) => seenOf(page, cutAtMs, restoredAtMs, patienceMs)),
  )
  add(measured.cut, ofCut, cutAtMs, restoredAtMs)
  add(measured.peer, ofPeer, cutAtMs, restoredAtMs)
}

function add(times: Times, seen: Seen | undefined, cutAtMs: number, restoredAtMs: number): void {
  // What was not seen at all counts as long as it was waited for.
  times.shown.push((seen?.shownAtMs ?? restoredAtMs) - cutAtMs)
  times.live.push(seen?.liveAtMs === undefined ? patienceMs : seen.liveAtMs - restoredAtMs)
}

const nothing = (): Times => ({ shown: [], live: [] })
const list = (values: readonly number[]) => values.map((ms) => Math.round(ms)).join(', ')
const ends = { cut: 'who was cut', peer: 'the other' } as const

function figuresOf(
  part: Part,
  seconds: number,
  floorMs: number,
  taken: Map<string, Measured>,
): Figure[] {
  const [ours, theirs] = [...taken.values()]
  if (!ours || !theirs) return []
  return (Object.keys(ends) as (keyof Measured)[]).flatMap((end) =>
    (['shown', 'live'] as const).map((what) => {
      const [values, baselines] = [ours[end][what], theirs[end][what]]
      const [value, baseline] = [percentile(values, 0.95), percentile(baselines, 0.95)]
      const text = what === 'shown' ? 'cut to shown' : 'restored to live media'
      return {
        name: `${text}, ${part}, ${seconds} s, at ${ends[end]}, p95`,
        value,
        unit: 'ms',
        baseline: { name: 'LiveKit’s client', value: baseline },
        ratio: value / baseline,
        floor: { atMost: what === 'shown' ? shownFloorMs : floorMs },
        spread: [Math.min(...values), Math.max(...values)] as [number, number],
      }
    }),
  )
}
