import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Bench, type BenchOptions, type Figure, mergeRuns } from '../bench.ts'
import type { FillOrder, FillResult } from './fill.ts'
import type { IngestOrder, IngestResult } from './ingest.ts'
import { linesOf, readOnly, replayFile, writeStream } from './replay.ts'
import type { ReportOrder, ReportResult } from './report.ts'

/** Thousands of allocations in the store; the stream that is replayed has ten times as many lines. */
const SIZES = [1000]
const LINES_EACH = 10
/** Months of as many allocations each, for the part `history`; a month is 31 days. */
const MONTHS = 10
const MONTH_DAYS = 31

/** The floors in docs/scorecard.md; a heap that grows by a few bytes an allocation is flat but for noise. */
const FLOORS = {
  eventsPerSecond: 50_000,
  bytesPerClosed: 32,
  reportSeconds: 1,
  /** Peak memory of the whole stream, against that of a tenth of it. */
  growth: 1.25,
}

const PARTS = { ingest, report, history, replay }

export const costBench: Bench = {
  name: 'cost',
  summary:
    'what the meter takes in, a month’s report from its store and from one of ten months, the replay of a recorded stream',
  minutes: 12,
  parts: Object.keys(PARTS),
  async run(options) {
    const runs: Figure[][] = []
    for (let run = 1; run <= options.repeat; run++) {
      if (options.repeat > 1) options.say(`run ${run} of ${options.repeat}`)
      const figures: Figure[] = []
      for (const size of options.sizes ?? SIZES) figures.push(...(await oneSize(size, options)))
      runs.push(figures)
    }
    return mergeRuns(runs)
  },
}

async function oneSize(size: number, options: BenchOptions): Promise<Figure[]> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'parley-bench-')))
  await mkdir(folder, { recursive: true })
  try {
    const figures: Figure[] = []
    for (const [name, part] of Object.entries(PARTS))
      if (options.parts?.includes(name) ?? true)
        figures.push(...(await part({ folder, thousands: size, options })))
    return figures
  } finally {
    if (!options.folder) await rm(folder, { recursive: true, force: true })
  }
}

type Place = { folder: string; thousands: number; options: BenchOptions }

async function ingest({ folder, thousands, options: { say, signal } }: Place): Promise<Figure[]> {
  const messages = thousands * 3000
  const path = join(folder, 'ingest.db')
  const order: IngestOrder = { storeUrl: `sqlite:${path}`, messages }
  const result = await run<IngestResult>('ingest.ts', order, folder, signal, ['--expose-gc'])
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true })
  say(
    `${messages} messages of ${result.allocations} allocations in ${result.seconds.toFixed(1)} s, heap ${Math.round(result.peakHeapMebibytes)} MiB at most`,
  )
  return [
    {
      name: `events taken in, ${messages / 1e6} M`,
      value: result.eventsPerCpuSecond,
      unit: 'a CPU second',
      floor: { atLeast: FLOORS.eventsPerSecond },
    },
    {
      name: 'memory for each closed allocation',
      value: result.bytesPerClosed,
      unit: 'B',
      floor: { atMost: FLOORS.bytesPerClosed },
    },
  ]
}

async function report(place: Place): Promise<Figure[]> {
  const { folder, thousands, options } = place
  const filled = await fill(place)
  const order: ReportOrder = { path: storeOf(place), days: [MONTH_DAYS] }
  const result = await run<ReportResult>('report.ts', order, folder, options.signal)
  options.say(
    `${result.rooms} rooms; from the allocations themselves SQL takes ${result.fromAllocationsSeconds.toFixed(1)} s`,
  )
  return [
    reportFigure(`report by room, ${thousands / 1000} M allocations`, result, MONTH_DAYS),
    {
      name: 'allocations rolled up',
      value: filled.allocations / filled.rollUpSeconds,
      unit: '/s',
    },
  ]
}

/** Ten such months, one after the other, in one store. */
async function history(place: Place): Promise<Figure[]> {
  const { folder, thousands, options } = place
  await fill(place, MONTHS)
  const order: ReportOrder = {
    path: storeOf(place, MONTHS),
    days: [MONTH_DAYS, MONTH_DAYS * MONTHS],
  }
  const result = await run<ReportResult>('report.ts', order, folder, options.signal)
  const all = `${(thousands * MONTHS) / 1000} M allocations`
  const { floor: _, ...whole } = reportFigure(
    `all of it by room, ${all}`,
    result,
    MONTH_DAYS * MONTHS,
  )
  return [reportFigure(`report of a month of ${MONTHS} by room, ${all}`, result, MONTH_DAYS), whole]
}

function reportFigure(name: string, { reports }: ReportResult, days: number): Figure {
  const { seconds = 0, sqlSeconds = 0 } = reports.find((each) => each.days === days) ?? {}
  return {
    ...{ name, value: seconds, unit: 's', ratio: seconds / sqlSeconds },
    baseline: { name: 'the sums alone, in plain SQL', value: sqlSeconds },
    floor: { atMost: FLOORS.reportSeconds },
  }
}

function storeOf({ folder, thousands }: Place, months = 1): string {
  return join(folder, `${thousands}k-${months}.db`)
}

/** Makes the store where it is not there. @returns what that took: it is kept beside the store */
async function fill(place: Place, months = 1): Promise<FillResult> {
  const { folder, thousands, options } = place
  const path = storeOf(place, months)
  const tookPath = `${path}.json`
  if (existsSync(path) && existsSync(tookPath))
    return JSON.parse(await readFile(tookPath, 'utf8')) as FillResult
  const order: FillOrder = { path: `${path}.part`, allocations: thousands * 1000, months }
  for (const end of ['', '-wal', '-shm']) await rm(`${order.path}${end}`, { force: true })
  const result = await run<FillResult>('fill.ts', order, folder, options.signal)
  options.say(
    `${result.allocations} allocations written in ${result.fillSeconds.toFixed(1)} s and rolled up in ${result.rollUpSeconds.toFixed(1)} s`,
  )
  await writeFile(tookPath, JSON.stringify(result))
  await rename(order.path, path)
  return result
}

async function replay({ folder, thousands, options: { say, signal } }: Place): Promise<Figure[]> {
  const result = join(folder, 'replay.json')
  const streamOf = async (lines: number) => {
    const path = join(folder, `${lines}.jsonl`)
    if (!existsSync(path)) await writeStream(path, lines, signal)
    return path
  }
  const part = await replayFile(await streamOf(thousands * LINES_EACH * 100), result, signal)
  const file = await streamOf(thousands * LINES_EACH * 1000)
  const readSeconds = await readOnly(file)
  const lines = linesOf(thousands * LINES_EACH * 1000)
  const { seconds, peakMebibytes } = await replayFile(file, result, signal)
  say(`${lines} lines replayed in ${seconds.toFixed(1)} s, read in ${readSeconds.toFixed(1)} s`)
  return [
    {
      name: `lines replayed, ${Math.round(lines / 1e5) / 10} M`,
      value: lines / seconds,
      unit: '/s',
      baseline: { name: 'read and counted', value: lines / readSeconds },
      ratio: readSeconds / seconds,
    },
    {
      name: 'peak memory of the replay',
      value: peakMebibytes,
      unit: 'MiB',
      baseline: { name: 'of a tenth of it', value: part.peakMebibytes },
      ratio: peakMebibytes / part.peakMebibytes,
    },
    {
      name: 'peak memory, all lines against a tenth',
      value: peakMebibytes / part.peakMebibytes,
      unit: '×',
      // A short stream does not have the hours that are kept.
      ...(thousands * LINES_EACH >= 10_000 && { floor: { atMost: FLOORS.growth } }),
    },
  ]
}

/** Runs one of the scripts beside this file on its order. */
async function run<T>(
  name: string,
  order: unknown,
  folder: string,
  signal: AbortSignal,
  flags: readonly string[] = [],
): Promise<T> {
  const file = join(folder, 'order.json')
  await writeFile(file, JSON.stringify(order))
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url))
  const { stdout } = await execa(process.execPath, [...flags, script, file], {
    cancelSignal: signal,
  })
  return JSON.parse(stdout) as T
}
