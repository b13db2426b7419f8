/** `node --expose-gc ingest.ts ORDER.json`: what one core of the meter takes in. Prints an IngestResult. */
import { readFileSync } from 'node:fs'
import { openStore } from '@parley/meter'
import { Accounting } from '@parley/meter/accounting'
import { Usage } from '@parley/meter/usage'
import { parseStatsdb } from '@parley/relay-cost'
import { type Message, messagesEach, statsdb } from './synthetic.ts'

export interface IngestOrder {
  storeUrl: string
  messages: number
}

export interface IngestResult {
  /** Parsed, counted, written: CPU of this process for that alone. */
  eventsPerCpuSecond: number
  seconds: number
  /** Growth of heap and buffers for each allocation that has closed, once what is kept of them is full. */
  bytesPerClosed: number
  peakHeapMebibytes: number
  allocations: number
}

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as IngestOrder
/** The meter writes every 2 s; in a stream this fast that is so many messages. */
const batch = Math.min(20_000, Math.ceil(order.messages / 20))
/** Batches between two looks at the heap. */
const every = Math.max(1, Math.floor(order.messages / batch / 30))
const { gc } = globalThis
if (!gc) throw new Error('run with --expose-gc')

const store = await openStore(order.storeUrl)
const accounting = new Accounting(store, new Usage(store, async () => ({ region: 'eu-central-1' })))
let cpuMicroseconds = 0
let seconds = 0
let events = 0
const heap: { closed: number; bytes: number }[] = []

async function takeIn(messages: readonly Message[]): Promise<void> {
  const last = messages.at(-1)
  if (!last) return
  const began = performance.now()
  const cpu = process.cpuUsage()
  for (const message of messages) {
    const event = parseStatsdb(message)
    if ('rejected' in event) throw new Error(event.rejected)
    accounting.count(event)
  }
  await accounting.flush(last.t)
  const used = process.cpuUsage(cpu)
  cpuMicroseconds += used.user + used.system
  seconds += (performance.now() - began) / 1000
  events += messages.length
}

let waiting: Message[] = []
let batches = 0
for (const message of statsdb(order.messages)) {
  waiting.push(message)
  if (waiting.length < batch) continue
  await takeIn(waiting)
  waiting = []
  batches += 1
  if (batches % every > 0) continue
  gc()
  const { heapUsed, external } = process.memoryUsage()
  heap.push({ closed: events / messagesEach, bytes: heapUsed + external })
}
await takeIn(waiting)
await store.close()

// At first what is remembered of those that have ended grows, up to its bound.
const later = heap.slice(Math.ceil(heap.length / 2))
const result: IngestResult = {
  eventsPerCpuSecond: events / (cpuMicroseconds / 1e6),
  seconds,
  bytesPerClosed: slopeOf(later.map(({ closed, bytes }) => [closed, bytes])),
  peakHeapMebibytes: Math.max(...heap.map(({ bytes }) => bytes)) / 2 ** 20,
  allocations: Math.round(events / messagesEach),
}
process.stdout.write(JSON.stringify(result))

/** Least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(([x]) => x), mean(([, y]) => y)]
  const across = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / across
}
