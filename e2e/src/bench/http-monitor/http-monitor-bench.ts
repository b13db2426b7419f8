import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countedByMeter, writesOf } from '../../traffic/figures.ts'
import { type Restartable, trafficServers } from '../../traffic/servers.ts'
import { killSweep } from '../../traffic/sweep.ts'
import type { Bench, BenchOptions, Figure } from '../bench.ts'
import { median, percentile } from '../bench.ts'
import { cpuSeconds, peakMebibytes } from '../operator/process-figures.ts'
import { type Ask, closedLoop, latencies, paced } from './load.ts'

const join1: Ask = { method: 'POST', path: '/api/rooms/bench/join', body: '{"name":"Ada"}' }
const health: Ask = { method: 'GET', path: '/healthz' }
const perRound = 2000
const connections = 16
const throughputMs = 3000
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

/** Two servers, one that counts and one that does not, by turns. */
async function requests({ say, repeat }: BenchOptions): Promise<Figure[]> {
  return inFolder((one) =>
    inFolder(async (other) => {
      const counting = await trafficServers(one)
      const bare = await trafficServers(other, { signaling: { METRICS_ENABLED: 'false' } })
      const all = [counting, bare].flatMap(({ redis, signaling }) => [redis, signaling])
      try {
        for (const server of all) await server.start()
        const [on, off] = [counting.signaling, bare.signaling]
        for (const server of [on, off]) await latencies(server.url, join1, perRound)
        const ms: Record<'on' | 'off', number[]> = { on: [], off: [] }
        const rounds = 6 * Math.max(1, repeat)
        for (let round = 0; round < rounds; round++) {
          const turns = [['on', on] as const, ['off', off] as const]
          for (const [which, server] of round % 2 ? turns : turns.reverse())
            ms[which].push(...(await latencies(server.url, join1, perRound)))
          say(`latency, round ${round + 1} of ${rounds}`)
        }
        const added = (part: number) => percentile(ms.on, part) - percentile(ms.off, part)
        const bareMs = (part: number) => ({
          name: 'the same without',
          value: percentile(ms.off, part),
        })
        return [
          {
            ...{ name: 'added to a join, p50', value: added(0.5), unit: 'ms' },
            ...{ baseline: bareMs(0.5), floor: { atMost: 0.05 } },
          },
          {
            ...{ name: 'added to a join, p99', value: added(0.99), unit: 'ms' },
            ...{ baseline: bareMs(0.99), floor: { atMost: 0.5 } },
          },
          ...(await throughput('joins', join1, on, off, rounds, say, 0.95)),
          ...(await throughput('health checks', health, on, off, rounds, say)),
        ]
      } finally {
        for (const server of all) await server.kill()
      }
    }),
  )
}

async function throughput(
  what: string,
  ask: Ask,
  on: Restartable,
  off: Restartable,
  rounds: number,
  say: (line: string) => void,
  ratioAtLeast?: number,
): Promise<Figure[]> {
  const rate: Record<'on' | 'off', number[]> = { on: [], off: [] }
  const cpu: Record<'on' | 'off', number[]> = { on: [], off: [] }
  for (let round = 0; round < rounds; round++) {
    const turns = [['on', on] as const, ['off', off] as const]
    for (const [which, server] of round % 2 ? turns : turns.reverse()) {
      const before = cpuSeconds(server.pid())
      const answered = await closedLoop(server.url, ask, connections, throughputMs)
      cpu[which].push(((cpuSeconds(server.pid()) - before) / answered) * 1e6)
      rate[which].push((answered / throughputMs) * 1000)
    }
    say(`${what} a second, round ${round + 1} of ${rounds}`)
  }
  // Of rounds next to each other: the machine changes its pace.
  const ratio = median(rate.on.map((value, index) => value / (rate.off[index] ?? Number.NaN)))
  return [
    {
      ...{ name: `${what} a second`, value: median(rate.on), unit: 'requests/s', ratio },
      baseline: { name: 'the same without', value: median(rate.off) },
      ...(ratioAtLeast === undefined ? {} : { floor: { ratioAtLeast } }),
    },
    {
      ...{ name: `processor time of one of the ${what}`, value: median(cpu.on), unit: 'µs' },
      baseline: { name: 'the same without', value: median(cpu.off) },
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
