import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countedByMeter, writesOf } from '../../traffic/figures.ts'
import { type Restartable, trafficServers } from '../../traffic/servers.ts'
import { killSweep } from '../../traffic/sweep.ts'
import type { Bench, BenchOptions, Figure, Floor } from '../bench.ts'
import { median, percentile } from '../bench.ts'
import { cpuSeconds, peakMebibytes } from '../operator/process-figures.ts'
import { type Ask, closedLoop, latencies, lineTo, paced } from './load.ts'

const join1: Ask = { method: 'POST', path: '/api/rooms/bench/join', body: '{"name":"Ada"}' }
const health: Ask = { method: 'GET', path: '/healthz' }
/** Two processes of one program are not equally quick: so both begin anew, so often. */
const starts = 4
const warmUp = 2000
/** Turns of each server and start, short, since the machine changes its pace. */
const latencyTurns = 20
const latencyTurn = 250
const throughputTurns = 3
const throughputMs = 2000
const connections = 16
const ratePerSecond = 1000
const pacedSeconds = 75

/** What counting requests costs, and what it spares the database (REQ-H1, REQ-H2, REQ-H4). */
export const httpMonitorBench: Bench = {
  name: 'http-monitor',
  summary: 'what counting requests adds to them, what it spares the database, and a kill -9 sweep',
  minutes: 6,
  parts: ['requests', 'writes', 'sweep'],
  async run(options) {
    const { parts = ['requests', 'writes', 'sweep'] } = options
    const figures: Figure[] = []
    if (parts.includes('requests')) figures.push(...(await requests(options)))
    if (parts.includes('writes')) figures.push(...(await writes(options)))
    if (parts.includes('sweep')) figures.push(...(await sweep(options)))
    return figures
  },
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-http-monitor-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Which = 'on' | 'off'
/** One start's turns; of the processor a request's microseconds. */
type Taken = Record<
  'latency' | 'joins' | 'checks' | 'joinCpu' | 'checkCpu',
  Record<Which, number[]>
>

/**
 * Two servers, one that counts and one that does not, by turns. What is added to a join is the median of the starts, each of
 * which has its own percentiles; of throughput and processor time it is that of all turns of all starts. The ratio of throughput
 * is the median of the ratios of turns next to each other, so it need not be that of the two medians beside it.
 */
async function requests({ say, signal, repeat }: BenchOptions): Promise<Figure[]> {
  const taken: Taken[] = []
  while (taken.length < starts * repeat) {
    signal.throwIfAborted()
    const one = await inFolder((folder) => inFolder((other) => oneStart(folder, other)))
    taken.push(one)
    const [p50, p99] = [addedMs(one, 0.5), addedMs(one, 0.99)].map((ms) => ms.toFixed(3))
    say(`start ${taken.length} of ${starts * repeat}: added ${p50} ms p50, ${p99} ms p99`)
  }
  return [
    latencyFigure('p50', 0.5, taken, 0.05),
    latencyFigure('p99', 0.99, taken, 0.5),
    ...throughputFigures('joins', taken, 'joins', 'joinCpu', { ratioAtLeast: 0.95 }),
    ...throughputFigures('health checks', taken, 'checks', 'checkCpu'),
  ]
}

async function oneStart(one: string, other: string): Promise<Taken> {
  const counting = await trafficServers(one)
  const bare = await trafficServers(other, { signaling: { METRICS_ENABLED: 'false' } })
  const all = [counting, bare].flatMap(({ redis, signaling }) => [redis, signaling])
  const by = { on: counting.signaling, off: bare.signaling }
  const none = () => ({ on: [], off: [] })
  const taken: Taken = {
    ...{ latency: none(), joins: none(), checks: none(), joinCpu: none(), checkCpu: none() },
  }
  try {
    for (const server of all) await server.start()
    const lines = { on: await lineTo(by.on.url, join1), off: await lineTo(by.off.url, join1) }
    for (const which of ['on', 'off'] as const) await latencies(lines[which], warmUp)
    await inTurns(latencyTurns, async (which) => {
      taken.latency[which].push(...(await latencies(lines[which], latencyTurn)))
    })
    for (const line of Object.values(lines)) line.close()
    for (const [ask, rates, cpus] of [
      [join1, taken.joins, taken.joinCpu],
      [health, taken.checks, taken.checkCpu],
    ] as const) {
      await inTurns(throughputTurns, async (which) => {
        const { rate, cpu } = await throughput(by[which], ask)
        rates[which].push(rate)
        cpus[which].push(cpu)
      })
    }
    return taken
  } finally {
    for (const server of all) await server.kill()
  }
}

/** Who is first changes. */
async function inTurns(turns: number, work: (which: Which) => Promise<void>): Promise<void> {
  for (let turn = 0; turn < turns; turn++)
    for (const which of turn % 2 ? (['on', 'off'] as const) : (['off', 'on'] as const))
      await work(which)
}

async function throughput(server: Restartable, ask: Ask): Promise<{ rate: number; cpu: number }> {
  const before = cpuSeconds(server.pid())
  const answered = await closedLoop(server.url, ask, connections, throughputMs)
  return {
    rate: (answered / throughputMs) * 1000,
    cpu: ((cpuSeconds(server.pid()) - before) / answered) * 1e6,
  }
}

function addedMs({ latency }: Taken, part: number): number {
  return percentile(latency.on, part) - percentile(latency.off, part)
}

function latencyFigure(
  name: string,
  part: number,
  taken: readonly Taken[],
  atMost: number,
): Figure {
  const values = taken.map((one) => addedMs(one, part))
  const without = median(taken.map(({ latency }) => percentile(latency.off, part)))
  return {
    ...{ name: `added to a join, ${name}`, value: median(values), unit: 'ms', floor: { atMost } },
    baseline: { name: 'the same without', value: without },
    spread: [Math.min(...values), Math.max(...values)],
  }
}

function throughputFigures(
  what: string,
  taken: readonly Taken[],
  rates: 'joins' | 'checks',
  cpus: 'joinCpu' | 'checkCpu',
  floor?: Floor,
): Figure[] {
  const all = (of: typeof rates | typeof cpus, which: Which) =>
    taken.flatMap((one) => one[of][which])
  // Of turns next to each other.
  const off = all(rates, 'off')
  const ratio = median(all(rates, 'on').map((rate, index) => rate / (off[index] ?? Number.NaN)))
  return [
    {
      ...{ name: `${what} a second`, value: median(all(rates, 'on')), unit: 'requests/s', ratio },
      baseline: { name: 'the same without', value: median(off) },
      ...(floor && { floor }),
    },
    {
      ...{ name: `processor time of one of the ${what}`, unit: 'µs' },
      value: median(all(cpus, 'on')),
      baseline: { name: 'the same without', value: median(all(cpus, 'off')) },
    },
  ]
}

/** A thousand requests a second for more than a minute: what the meter writes of it, and what it needs. */
async function writes({ say }: BenchOptions): Promise<Figure[]> {
  return inFolder((folder) =>
    inFolder(async (other) => {
      const { redis, signaling, meter } = await trafficServers(folder)
      const without = await trafficServers(other, { meter: { METRICS_ENABLED: 'false' } })
      const servers = [redis, signaling, meter, without.redis, without.meter]
      try {
        for (const server of [redis, signaling, meter]) await server.start()
        say(`${ratePerSecond} requests a second for ${pacedSeconds} s`)
        const answered = await paced(signaling.url, health, ratePerSecond, pacedSeconds)
        await signaling.end()
        await countedByMeter(meter.url, answered)
        const statements = await writesOf(meter.url)
        const peak = peakMebibytes(meter.pid())
        await meter.end()
        for (const server of [without.redis, without.meter]) await server.start()
        await new Promise((resolve) => setTimeout(resolve, 15_000))
        const plain = peakMebibytes(without.meter.pid())
        return [
          { name: 'requests a second', value: answered / pacedSeconds, unit: 'requests/s' },
          {
            ...{ name: 'database writes spared', value: (1 - statements / answered) * 100 },
            ...{ unit: '%', floor: { atLeast: 99.9 } },
          },
          {
            ...{ name: 'database writes a minute', value: (statements * 60) / pacedSeconds },
            ...{ unit: '/min' },
          },
          {
            ...{ name: 'memory of the worker', value: Math.max(0, peak - plain), unit: 'MiB' },
            ...{ floor: { atMost: 95 } },
          },
          {
            ...{ name: 'memory of the meter, worker and all', value: peak, unit: 'MiB' },
            ...{ baseline: { name: 'without the worker', value: plain }, ratio: peak / plain },
          },
        ]
      } finally {
        for (const server of servers) await server.kill()
      }
    }),
  )
}

async function sweep({ say }: BenchOptions): Promise<Figure[]> {
  const { answered, cut, counted, kills } = await inFolder((folder) =>
    killSweep({ folder, rounds: 4, betweenMs: 4000, people: 8, pauseMs: 10, say }),
  )
  const missing = Math.max(0, answered - counted.hours)
  const tooMany = Math.max(0, counted.hours - answered - cut)
  return [
    { name: 'kills', value: kills, unit: '' },
    { name: 'requests answered', value: answered, unit: 'requests' },
    { name: 'answers cut off by a kill', value: cut, unit: 'requests' },
    { name: 'answered and not counted', value: missing, unit: 'requests', floor: { atMost: 0 } },
    {
      ...{ name: 'counted and never sent', value: tooMany, unit: 'requests' },
      floor: { atMost: 0 },
    },
  ]
}
