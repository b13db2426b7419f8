import { stat } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { reportDimensions } from '@parley/protocol'
import {
  compareRecorded,
  dimensionsFor,
  type Prices,
  parseBy,
  type Recorded,
  ReplayStream,
  readRecorded,
} from '@parley/relay-cost'
import type { Command } from 'commander'
import { readLines } from '../../input.ts'
import { type Format, format, print, top } from './output.ts'
import { priceListsOf } from './prices-of.ts'
import { SortedEvents } from './sorted-events.ts'

export function addReplay(cost: Command): void {
  cost
    .command('replay')
    .description('the same report from a recorded coturn statsdb stream')
    .requiredOption(
      '--events <file>',
      'JSON lines {"t": ms, "channel": "turn/realm/…", "message": "…"}; any order, repeats allowed',
    )
    .requiredOption('--prices <file|preset>', 'prices to use')
    .option('--by <dimensions>', `rows by any of ${reportDimensions.join(', ')}`, 'room')
    .option('--region <region>', 'of which region it is, where the prices are for several')
    .addOption(format())
    .addOption(top())
    .addHelpText(
      'after',
      `
A line that cannot be read is named by its number on standard error; the rest is counted.

Example:
  $ parley cost replay --events stream.jsonl --prices aws/eu-central-1 --by tenant,room
`,
    )
    .action(async (options: ReplayOptions) => {
      // Little is kept of a stream: let the heap grow to a third more than that, and not to several times as much.
      setFlagsFromString('--heap-growing-percent=30')
      const by = dimensionsFor(options.output, parseBy(options.by))
      const prices = await priceListsOf(options.prices)
      const region = options.region ?? onlyRegionOf(prices)
      const { stream, rejected } = await replay(
        options.events,
        () => new ReplayStream({ prices, by, ...(region && { region }) }),
      )
      for (const { line, reason } of rejected.named)
        console.error(`${options.events}:${line}: ${reason}; the line is left out`)
      const more = rejected.count - rejected.named.length
      if (more > 0) console.error(`… and ${more} more lines were left out`)
      if (stream.overflows > 0)
        console.error(
          `${options.events}: ${stream.overflows} counters that would bring an allocation past 2^53 bytes were left out`,
        )
      if (stream.accepted === 0)
        throw new Error(
          `${options.events} has no event that can be counted; it wants JSON lines {"t": epoch ms, "channel": "turn/realm/…", "message": "…"}`,
        )
      const notes = rejected.named.map(({ line, reason }) => `line ${line} not counted: ${reason}`)
      if (more > 0) notes.push(`${more} more lines not counted`)
      print(stream.report(notes), options)
    })
}

type ReplayOptions = {
  events: string
  prices: string
  region?: string
  by: string
  output: Format
  top?: number
}

function onlyRegionOf(prices: readonly Prices[]): string | undefined {
  const regions = new Set(prices.map(({ region }) => region))
  return regions.size === 1 ? prices[0]?.region : undefined
}

/** Broken lines that are named one by one; of the rest their number is said. */
const namedLines = 20

type Rejected = { named: { line: number; reason: string }[]; count: number }

type Replayed = { stream: ReplayStream; rejected: Rejected }

/**
 * Feeds a file to a stream, in memory that does not grow with the file. One that is in order but for
 * what a few hundred lines hold is read once; another is sorted, in temporary files.
 */
async function replay(file: string, streamOf: () => ReplayStream): Promise<Replayed> {
  // Standard input and pipes cannot be read a second time.
  const inOrder = (await isPlainFile(file)) ? await replayInOrder(file, streamOf()) : undefined
  return inOrder ?? replaySorted(file, streamOf())
}

async function isPlainFile(file: string): Promise<boolean> {
  return file !== '-' && (await stat(file)).isFile()
}

/** Events that are put in order before they are counted, and as many wait. */
const nearby = 256

/** Undefined where an event comes too late for that. */
async function replayInOrder(file: string, stream: ReplayStream): Promise<Replayed | undefined> {
  let waiting: Recorded[] = []
  const push = (events: readonly Recorded[]) => events.every((event) => stream.push(event))
  let isInOrder = true
  const rejected = await readEvents(file, (event) => {
    if (waiting.push(event) < 2 * nearby) return true
    waiting.sort(compareRecorded)
    isInOrder = push(waiting.slice(0, nearby))
    waiting = waiting.slice(nearby)
    return isInOrder
  })
  return isInOrder && push(waiting.sort(compareRecorded)) ? { stream, rejected } : undefined
}

async function replaySorted(file: string, stream: ReplayStream): Promise<Replayed> {
  const events = new SortedEvents()
  try {
    const rejected = await readEvents(file, (event) => {
      events.add(event)
      return true
    })
    for (const event of events) stream.push(event)
    return { stream, rejected }
  } finally {
    events.close()
  }
}

/** Gives each event of a file to `take`, until that says false; the answer is what is none. */
async function readEvents(file: string, take: (event: Recorded) => boolean): Promise<Rejected> {
  const rejected: Rejected = { named: [], count: 0 }
  let line = 0
  for await (const text of readLines(file)) {
    line += 1
    const read = readRecorded(text)
    if (!read) continue
    if (!('rejected' in read)) {
      if (take(read)) continue
      break
    }
    rejected.count += 1
    if (rejected.named.length < namedLines) rejected.named.push({ line, reason: read.rejected })
  }
  return rejected
}
