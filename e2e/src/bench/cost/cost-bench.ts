import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Bench, type BenchOptions, type Figure, mergeRuns } from '../bench.ts'
import type { IngestOrder, IngestResult } from './ingest.ts'
import { readOnly, replayFile, writeStream } from './replay.ts'
import type { ReportOrder, ReportResult } from './report.ts'

/** Thousands of allocations in the store; the stream that is replayed has ten times as many lines. */
const SIZES = [1000]
const LINES_EACH = 10

/** The floors; a heap that grows by a few bytes an allocation is flat but for noise. */
const FLOORS = {
  eventsPerSecond: 50_000,
  heapBytesPerClosed: 32,
  reportSeconds: 1,
  /** Peak memory of the whole stream, against that of a tenth of it. */
  growth: 1.25,
}

export const costBench: Bench = {
  name: 'cost',
  summary:
    'what the meter takes in, a month’s report from its store, the replay of a recorded stream',
  minutes: 8,
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
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  try {
    const place = { folder, thousands: size, options }
    return [...(await ingest(place)), ...(await report(place)), ...(await replay(place))]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Place = { folder: string; thousands: number; options: BenchOptions }

async function ingest({ folder, thousands, options: { say, signal } }: Place): Promise<Figure[]> {
  // Hours of a stream: names expire in it, and what has closed can be forgotten.
  const messages = thousands * 3000
  const order: IngestOrder = { storeUrl: `sqlite:${join(folder, 'ingest.db')}`, messages }
  const result = await run<IngestResult>('ingest.ts', order, folder, signal, ['--expose-gc'])
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
      name: 'heap for each closed allocation',
      value: result.heapBytesPerClosed,
      unit: 'B',
      floor: { atMost: FLOORS.heapBytesPerClosed },
    },
  ]
}

async function report({ folder, thousands, options: { say, signal } }: Place): Promise<Figure[]> {
  const allocations = thousands * 1000
  const order: ReportOrder = { path: join(folder, 'report.db'), allocations }
  const result = await run<ReportResult>('report.ts', order, folder, signal)
  say(
    `${allocations} allocations written in ${result.fillSeconds.toFixed(1)} s and rolled up in ${result.rollUpSeconds.toFixed(1)} s; ${result.rooms} rooms; from the allocations themselves SQL takes ${result.fromAllocationsSeconds.toFixed(1)} s`,
  )
  return [
    {
      name: `report by room, ${thousands / 1000} M allocations`,
      value: result.reportSeconds,
      unit: 's',
      baseline: { name: 'the sums alone, in plain SQL', value: result.sqlSeconds },
      ratio: result.reportSeconds / result.sqlSeconds,
      floor: { atMost: FLOORS.reportSeconds },
    },
    {
      name: 'allocations rolled up',
      value: allocations / result.rollUpSeconds,
      unit: '/s',
    },
  ]
}

async function replay({ folder, thousands, options: { say, signal } }: Place): Promise<Figure[]> {
  const file = join(folder, 'stream.jsonl')
  const result = join(folder, 'replay.json')
  await writeStream(file, thousands * LINES_EACH * 100, signal)
  const part = await replayFile(file, result, signal)
  const lines = await writeStream(file, thousands * LINES_EACH * 1000, signal)
  const readSeconds = await readOnly(file)
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
      // A short stream is sorted in memory as it is.
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
