import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FullMetrics,
  type JoinResponse,
  type LiveUpdate,
  metricsNamespace,
} from '@parley/protocol'
import { signInvite } from '@parley/signaling/invite'
import { type Bench, type BenchOptions, type Figure, median, percentile } from '../bench.ts'
import { cpuSeconds } from '../operator/process-figures.ts'
import { awake } from '../signaling/awake.ts'
import { RawClient } from '../signaling/raw-client.ts'
import { joinKey, type Measured, startEcho, startServer } from '../signaling/servers.ts'

/**
 * What one core of the metrics gateway carries. Rates are those of a second of the server's processor time, as in the
 * bench of signaling; admins hear of every participant while all of them report as often as pages do.
 */
export const gatewayBench: Bench = {
  name: 'gateway',
  summary:
    'events of pages a second of one core against bare Socket.IO, updates to admins at 10,000 users',
  minutes: 3,
  parts: ['events', 'updates'],
  async run(options) {
    const { parts = ['events', 'updates'] } = options
    const folder = await mkdtemp(join(tmpdir(), 'parley-gateway-bench-'))
    const servers: Measured[] = []
    try {
      const parley = await startServer(folder)
      servers.push(parley)
      const echo = await startEcho()
      servers.push(echo)
      const figures: Figure[] = []
      if (parts.includes('events')) figures.push(...(await throughput(parley, echo, options)))
      if (parts.includes('updates')) figures.push(...(await updates(parley, options)))
      return figures
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
      await rm(folder, { recursive: true, force: true })
    }
  },
}

const senders = 64
const turnMs = 2000
const turns = 5
const seatsARoom = 8
/** As pages do in a steady call. */
const reportEveryMs = 10_000
const updatesForMs = 30_000

const full = (up: number): FullMetrics => ({
  ...{ n: 1, full: true, up, down: 2100, rtt: 48, min: 41, max: 60, loss: 0.1, jitter: 3 },
  ...{ links: 4, relayed: 0, tx: 1000, rx: 2000, back: 0 },
})
/** What changes in ten seconds. */
const delta = (n: number, up: number) => ({
  n,
  up,
  down: 2000 + (n % 300),
  rtt: 40 + (n % 9),
  tx: 1200,
  rx: 2600,
})

type User = { client: RawClient; id: string; n: number }

async function throughput(parley: Measured, echo: Measured, { say, signal, repeat }: BenchOptions) {
  const users = await inBatches(senders, (index) => report(parley.url, `t-${index % seatsARoom}`))
  const bare = await inBatches(senders, async () => {
    const client = await RawClient.connect(echo.url, {})
    await client.enter(metricsNamespace, {})
    return { client, id: '', n: 1 }
  })
  const rates = { parley: [] as number[], bare: [] as number[] }
  // The first two are for the compiler.
  for (let turn = -2; turn < Math.max(turns, repeat); turn++) {
    for (const [name, pid, by] of [
      ['bare', echo.pid, bare],
      ['parley', parley.pid, users],
    ] as const) {
      signal.throwIfAborted()
      const rate = await eventsPerCpuSecond(pid, by)
      if (turn >= 0) rates[name].push(rate)
    }
    if (turn >= 0)
      say(
        `turn ${turn + 1}: ${Math.round(rates.parley.at(-1) ?? 0)} events/s of a core, bare ${Math.round(rates.bare.at(-1) ?? 0)}`,
      )
  }
  for (const { client } of [...users, ...bare]) client.close()
  return [
    {
      name: 'events of pages a second of one core, merged and judged',
      value: median(rates.parley),
      unit: '/s',
      baseline: { name: 'bare Socket.IO handler', value: median(rates.bare) },
      ratio: median(rates.parley.map((rate, turn) => rate / (rates.bare[turn] ?? Number.NaN))),
      floor: { ratioAtLeast: 0.6 },
      spread: [Math.min(...rates.parley), Math.max(...rates.parley)],
    },
  ] satisfies Figure[]
}

async function eventsPerCpuSecond(pid: number, users: readonly User[]): Promise<number> {
  let events = 0
  const cpu = cpuSeconds(pid)
  const end = performance.now() + turnMs
  const ask = async (user: User) => {
    while (performance.now() < end) {
      const metrics = delta(++user.n, 900 + (user.n % 200))
      const answer = await user.client.ask('meeting:metrics', { metrics }, metricsNamespace)
      if (!(answer as { ok: boolean }).ok) throw new Error(`refused: ${JSON.stringify(answer)}`)
      events++
    }
  }
  await awake(() => Promise.all(users.map(ask)))
  return events / (cpuSeconds(pid) - cpu)
}

async function updates(parley: Measured, { say, signal, sizes }: BenchOptions) {
  const count = sizes?.[0] ?? 10_000
  const users = await inBatches(count, (index) =>
    report(parley.url, `room-${Math.floor(index / seatsARoom)}`),
  )
  say(`${count} users report`)
  const admin = await subscribe(parley.url)
  const sentAt = new Map<string, number>()
  const delays: number[] = []
  admin.onEvent = (json) => {
    const [name, message] = JSON.parse(json) as [string, { updates?: LiveUpdate[] }]
    if (name !== 'meeting:metrics:update') return
    const now = performance.now()
    for (const update of message.updates ?? []) {
      if ('gone' in update) continue
      const at = sentAt.get(`${update.userId} ${update.metrics.up}`)
      if (at !== undefined) delays.push(now - at)
    }
  }
  const cpu = cpuSeconds(parley.pid)
  const started = performance.now()
  let events = 0
  let bytes = 0
  // One after the other, so that over ten seconds each has had its turn.
  while (performance.now() - started < updatesForMs) {
    signal.throwIfAborted()
    const due = Math.floor(((performance.now() - started) / reportEveryMs) * count)
    for (; events < due; events++) {
      const user = users[events % count]
      if (!user) continue
      const up = 1 + (++user.n % 5000)
      const message = { metrics: delta(user.n, up) }
      sentAt.set(`${user.id} ${up}`, performance.now())
      bytes += 41 + metricsNamespace.length + JSON.stringify(message).length - 17
      user.client.tell('meeting:metrics', message, metricsNamespace)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const seconds = (performance.now() - started) / 1000
  const busy = (cpuSeconds(parley.pid) - cpu) / seconds
  for (const { client } of users) client.close()
  admin.close()
  if (delays.length < events * 0.95)
    throw new Error(`an admin heard of ${delays.length} of ${events} events`)
  const name = `from a page's event to an admin, ${count} users`
  return [
    { name: `${name}, p50`, value: percentile(delays, 0.5), unit: 'ms' },
    { name: `${name}, p99`, value: percentile(delays, 0.99), unit: 'ms', floor: { atMost: 2000 } },
    {
      name: `share of one core for ${count} users and an admin`,
      value: busy * 100,
      unit: '%',
      floor: { atMost: 100 },
    },
    {
      name: 'an event of these users on the wire',
      value: bytes / events,
      unit: 'bytes',
      floor: { atMost: 120 },
    },
  ] satisfies Figure[]
}

/** Somebody with a seat, whose page reports over the same connection. */
async function report(url: string, room: string): Promise<User> {
  const { token, participantId } = await joined(url, room, {})
  const client = await RawClient.connect(url, { token })
  await client.ask('room:join', { media: { audio: true, video: true } })
  await client.enter(metricsNamespace, { token })
  const answer = await client.ask(
    'meeting:metrics',
    { meetingId: room, metrics: full(1) },
    metricsNamespace,
  )
  if (!(answer as { ok: boolean }).ok) throw new Error(`refused: ${JSON.stringify(answer)}`)
  return { client, id: participantId, n: 1 }
}

async function subscribe(url: string): Promise<RawClient> {
  const claims = { room: 'admins', tenant: 'default', role: 'admin' as const, name: 'Admin' }
  const { invite } = await signInvite(joinKey, claims, Date.now(), 600)
  const { token } = await joined(url, 'admins', { invite })
  const admin = await RawClient.connect(url, { token })
  await admin.enter(metricsNamespace, { token })
  const answer = await admin.ask('admin:subscribe', {}, metricsNamespace)
  if (!(answer as { ok: boolean }).ok) throw new Error(`refused: ${JSON.stringify(answer)}`)
  return admin
}

async function joined(url: string, room: string, more: object): Promise<JoinResponse> {
  const response = await fetch(`${url}/api/rooms/${room}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', ...more }),
  })
  if (!response.ok) throw new Error(`join answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as JoinResponse
}

/** A few at a time, in their order. */
async function inBatches<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) {
    const size = Math.min(50, count - made.length)
    const batch = Array.from({ length: size }, (_, index) => make(made.length + index))
    made.push(...(await Promise.all(batch)))
  }
  return made
}
