import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JoinResponse } from '@parley/protocol'
import { type Bench, type BenchOptions, type Figure, median, percentile } from '../bench.ts'
import { cpuSeconds } from '../operator/process-figures.ts'
import { awake } from './awake.ts'
import { RawClient } from './raw-client.ts'
import { type Measured, startEcho, startServer } from './servers.ts'

/**
 * What one core of signaling carries. Rates are those of a second of the server's processor time, since the load comes
 * from the same machine: they do not depend on how much of it the clients take.
 */
export const signalingBench: Bench = {
  name: 'signaling',
  summary:
    'sockets held, messages a second of one core, memory of a socket, against bare Socket.IO',
  minutes: 2,
  async run(options) {
    const folder = await mkdtemp(join(tmpdir(), 'parley-signaling-bench-'))
    const servers: Measured[] = []
    try {
      const parley = await startServer(folder)
      servers.push(parley)
      const echo = await startEcho()
      servers.push(echo)
      return await measure(parley, echo, options)
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
      await rm(folder, { recursive: true, force: true })
    }
  },
}

const seatsARoom = 4
const pairs = 32
const turnMs = 2000
const leastTurns = 5
const floor = { ratioAtLeast: 0.7 }
/** As long as candidates are. */
const signal = {
  candidate: {
    candidate:
      'candidate:842163049 1 udp 1677729535 198.51.100.7 52345 typ srflx raddr 192.168.1.5 rport 52345 generation 0 ufrag Yx3h network-cost 999',
    sdpMid: '0',
    sdpMLineIndex: 0,
    usernameFragment: 'Yx3h',
  },
}

type Seat = { client: RawClient; id: string }
type Turn = { perCpuSecond: number; perSecond: number; p50Ms: number; p99Ms: number }

async function measure(
  parley: Measured,
  echo: Measured,
  { sizes, repeat, say, signal: stop }: BenchOptions,
) {
  const held = sizes?.[0] ?? 2000
  const parleyBefore = residentKiB(parley.pid)
  const cpuBefore = cpuSeconds(parley.pid)
  const seats = await inBatches(held, (index) =>
    takeSeat(parley.url, `room-${Math.floor(index / seatsARoom)}`),
  )
  const joinsPerCpuSecond = held / (cpuSeconds(parley.pid) - cpuBefore)
  const parleyKiB = (residentKiB(parley.pid) - parleyBefore) / held
  say(`${held} people have a seat`)

  const echoBefore = residentKiB(echo.pid)
  const echoes = await inBatches(held, (index) =>
    RawClient.connect(echo.url, { name: `p${index}` }),
  )
  const echoKiB = (residentKiB(echo.pid) - echoBefore) / held
  say(`${held} sockets are on bare Socket.IO`)

  const ask = {
    echo: (index: number) => echoes[index]?.ask('echo', { to: `p${index ^ 1}`, signal }),
    relay: (index: number) => echoes[index]?.ask('relay', { to: `p${index ^ 1}`, signal }),
    // Neighbours share a room.
    parley: (index: number) =>
      seats[index]?.client.ask('signal', { to: seats[index ^ 1]?.id, signal }),
  }
  const turns = { echo: [] as Turn[], relay: [] as Turn[], parley: [] as Turn[] }
  // The first is for the compiler.
  for (let turn = -1; turn < Math.max(leastTurns, repeat); turn++) {
    for (const name of ['echo', 'parley', 'relay'] as const) {
      stop.throwIfAborted()
      const measured = await load(name === 'parley' ? parley.pid : echo.pid, ask[name])
      if (turn >= 0) turns[name].push(measured)
    }
    if (turn >= 0) say(`turn ${turn + 1}: ${summary(turns)}`)
  }
  for (const { client } of seats) client.close()
  for (const client of echoes) client.close()

  const rate = (name: keyof typeof turns, messages: number) =>
    turns[name].map(({ perCpuSecond }) => perCpuSecond * messages)
  // In and out: an echo is 2, a signal that goes to another and is acknowledged is 3.
  const [ours, bareEcho, bareRelay] = [rate('parley', 3), rate('echo', 2), rate('relay', 3)]
  const latency = (part: 'p50Ms' | 'p99Ms'): Figure => ({
    name: `a signal, sent to acknowledged, ${2 * pairs} at a time, ${part.slice(0, 3)}`,
    ...compared(
      turns.parley.map((turn) => turn[part]),
      turns.echo.map((turn) => turn[part]),
      'bare echo',
    ),
    unit: 'ms',
  })
  return [
    { name: 'sockets held, each with a seat', value: seats.length, unit: 'sockets' },
    { name: 'joined a second of one core, token to seat', value: joinsPerCpuSecond, unit: '/s' },
    {
      name: 'memory of a socket with a seat',
      value: parleyKiB,
      unit: 'KiB',
      baseline: { name: 'bare Socket.IO', value: echoKiB },
      ratio: parleyKiB / echoKiB,
    },
    {
      name: 'messages in and out a second of one core',
      ...compared(ours, bareEcho, 'bare echo'),
      unit: '/s',
      floor,
    },
    {
      name: '– against a bare relay of the same shape',
      ...compared(ours, bareRelay, 'bare relay'),
      unit: '/s',
    },
    latency('p50Ms'),
    latency('p99Ms'),
  ] satisfies Figure[]
}

/** So many at a time as there are pairs, each asking again when it was answered. */
async function load(
  pid: number,
  ask: (index: number) => Promise<unknown> | undefined,
): Promise<Turn> {
  const times: number[] = []
  const cpu = cpuSeconds(pid)
  const started = performance.now()
  const end = started + turnMs
  const keepAsking = async (index: number) => {
    while (performance.now() < end) {
      const asked = performance.now()
      const answer = (await ask(index)) as { ok?: boolean } | undefined
      if (answer?.ok === false) throw new Error(`refused: ${JSON.stringify(answer)}`)
      times.push(performance.now() - asked)
    }
  }
  await awake(() => Promise.all(Array.from({ length: 2 * pairs }, (_, index) => keepAsking(index))))
  const seconds = (performance.now() - started) / 1000
  return {
    perCpuSecond: times.length / (cpuSeconds(pid) - cpu),
    perSecond: times.length / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  }
}

function compared(values: readonly number[], baselines: readonly number[], name: string) {
  return {
    value: median(values),
    baseline: { name, value: median(baselines) },
    // Of each pair of turns, so that what the machine gave at that time is in both.
    ratio: median(values.map((value, turn) => value / (baselines[turn] ?? Number.NaN))),
    spread: [Math.min(...values), Math.max(...values)] as [number, number],
  }
}

function summary(turns: Readonly<Record<string, readonly Turn[]>>): string {
  return Object.entries(turns)
    .map(
      ([name, all]) =>
        `${name} ${Math.round(all.at(-1)?.perCpuSecond ?? 0)}/s of a core, ${Math.round(all.at(-1)?.perSecond ?? 0)}/s`,
    )
    .join('; ')
}

async function takeSeat(url: string, room: string): Promise<Seat> {
  const response = await fetch(`${url}/api/rooms/${room}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench' }),
  })
  if (!response.ok) throw new Error(`join answered ${response.status}: ${await response.text()}`)
  const { token, participantId } = (await response.json()) as JoinResponse
  const client = await RawClient.connect(url, { token })
  const answer = (await client.ask('room:join', { media: { audio: true, video: true } })) as {
    ok: boolean
  }
  if (!answer.ok) throw new Error(`no seat: ${JSON.stringify(answer)}`)
  return { client, id: participantId }
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

function residentKiB(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes)
}
