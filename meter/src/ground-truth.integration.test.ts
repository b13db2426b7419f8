import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { relayCostReportSchema } from '@parley/protocol'
import {
  isOpen,
  joinAllocations,
  presetPrices,
  reconcileNodes,
  relayedBytes,
  totalOf,
  unseenCells,
} from '@parley/relay-cost'
import { pino } from 'pino'
import { startMeter } from './meter.ts'
import { openStore } from './store/open.ts'
import { usageOf } from './store/testing/usage.ts'
import { type InterfaceCounters, type Network, startNetwork } from './testing/network.ts'
import {
  clientCounters,
  eventually,
  mintUsername,
  recordStatsdb,
  startCoturn,
  startEcho,
  startRedisIn,
  startTurnClients,
  temporaryFolder,
} from './testing/servers.ts'

jest.setTimeout(90_000)

const logger = pino({ level: 'silent' })
const prices = presetPrices('aws/eu-central-1')
/** Of the frames that interfaces count; coturn counts none. */
const ethernetHeader = 14
const echoPort = 3480
/** Of IPv4 and TCP, with timestamps. */
const tcpHeaders = 20 + 20 + 12

describe('what the meter says, held against its clients and the cable', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let network: Network
  let redis: Awaited<ReturnType<typeof startRedisIn>>
  const stops: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    folder = await temporaryFolder()
    network = await startNetwork()
    redis = await startRedisIn(folder.path, network.turn)
    const echo = startEcho(network.clients, echoPort)
    stops.push(() => echo.stop())
  })
  afterEach(async () => {
    for (const stop of stops.splice(1).reverse()) await stop()
  })
  afterAll(async () => {
    for (const stop of stops.splice(0)) await stop()
    await redis?.stop()
    await network?.remove()
    await folder?.remove()
  })

  async function start(name: string, realm: string) {
    const coturn = await startCoturn(folder.path, {
      ...{ redisPort: redis.port, realm, place: network.turn },
    })
    stops.push(() => coturn.stop('SIGKILL'))
    const storeUrl = `sqlite:${folder.path}/${name}.db`
    return { coturn, meter: await startMeterOn(storeUrl), storeUrl }
  }
  async function startMeterOn(storeUrl: string) {
    const meter = await startMeter(
      {
        ...{ port: 0, host: '127.0.0.1', cluster: 'demo', namespace: 'meetings' },
        ...{ region: 'eu-central-1', storeUrl, redisUrl: redis.url, prices: [prices] },
        ...{ token: 'the-token', flushIntervalMs: 100, bufferAllocations: 1000 },
        retention: { allocationDays: 35, hourDays: 397 },
      },
      { logger },
    )
    let closing: Promise<void> | undefined
    const close = () => {
      closing ??= meter.close()
      return closing
    }
    stops.push(close)
    await eventually(async () => expect((await fetch(`${meter.url}/readyz`)).status).toBe(200))
    return { url: meter.url, close }
  }
  const clientsOf = (
    username: string,
    messages: number,
    { intervalMs = 1, transport = 'udp' }: { intervalMs?: number; transport?: 'udp' | 'tcp' } = {},
  ) =>
    startTurnClients({
      ...{ port: 3478, username, messages, bytes: 800, intervalMs, transport },
      to: {
        ...{ from: network.clients, server: network.turn },
        peer: { address: network.clients.address, port: echoPort },
      },
    })
  const reportOf = async (url: string, by = 'room') => {
    const response = await fetch(`${url}/report?window=1h&by=${by}`, {
      headers: { 'x-parley-token': 'the-token' },
    })
    return relayCostReportSchema.parse(await response.json())
  }
  const storedIn = async (storeUrl: string) => {
    const store = await openStore(storeUrl)
    try {
      const window = { from: Date.now() - 3_600_000, to: Date.now() + 1000 }
      const records = joinAllocations(await store.records(window))
      const sums = await usageOf(store).sums(window, [], Date.now())
      return { records, recovered: sums.reduce((sum, each) => sum + each.recoveredBytes, 0) }
    } finally {
      await store.close()
    }
  }

  it('REQ-K5: to the byte what turnutils_uclient sent and received, and the wire within 0.5 %; nothing is unattributed', async () => {
    const { meter, storeUrl } = await start('exact', 'pod-a.demo')
    const before = await network.counters()
    const messages = 3000
    const { all } = await clientsOf(mintUsername('p-1'), messages)
    const client = clientCounters(all)
    expect(client.sentBytes).toBeGreaterThanOrEqual(messages * 800)
    const report = await eventually(async () => {
      const report = await reportOf(meter.url)
      expect(report.totals.bytes).toMatchObject({
        turnToPeer: client.sentBytes,
        peerToTurn: client.receivedBytes,
      })
      return report
    })
    const wire = gained(before, await network.counters())
    // On the client legs each message has 4 bytes of ChannelData; the rest is STUN's.
    const framing = 4 * (client.sentBytes / 800)
    const stun = (leg: number, payload: number) => leg - payload - framing
    for (const bytes of [
      stun(report.totals.bytes.clientToTurn, client.sentBytes),
      stun(report.totals.bytes.turnToClient, client.receivedBytes),
    ]) {
      expect(bytes).toBeGreaterThan(0)
      expect(bytes).toBeLessThan(5000)
    }
    expect(report.totals.unattributedBytes).toBe(0)

    // One participant, who talks to nobody else of the room: all that TURN sent is charged.
    expect(within(report.totals.bytes.billable, wire.sentBytes)).toBeLessThan(0.005)
    const { records, recovered } = await storedIn(storeUrl)
    expect(recovered).toBe(0)
    let received = 0
    for (const traffic of records.map(totalOf))
      received +=
        traffic.clientToTurnBytes +
        traffic.peerToTurnBytes +
        28 * (traffic.clientToTurnPackets + traffic.peerToTurnPackets)
    expect(within(received, wire.receivedBytes)).toBeLessThan(0.005)
  })

  it('REQ-K5: over TCP, what the cable has beyond the report is headers of empty segments', async () => {
    const { meter, storeUrl } = await start('tcp', 'pod-t.demo')
    const startedAt = Date.now()
    const before = await network.counters()
    const { all } = await clientsOf(mintUsername('p-4'), 3000, { transport: 'tcp' })
    const client = clientCounters(all)
    const report = await eventually(async () => {
      const report = await reportOf(meter.url, 'transport')
      const row = report.rows.find(({ key }) => key.transport === 'tcp')
      expect(row?.bytes).toMatchObject({
        turnToPeer: client.sentBytes,
        peerToTurn: client.receivedBytes,
      })
      return row
    })
    const after = await network.counters()
    const wire = gained(before, after)
    const { records } = await storedIn(storeUrl)
    const own = records.filter(({ openedAt }) => openedAt >= startedAt).map(totalOf)
    const messages = own.reduce(
      (sum, { turnToClientPackets, turnToPeerPackets }) =>
        sum + turnToClientPackets + turnToPeerPackets,
      0,
    )
    // Acknowledgements that carry nothing, less messages that came together in one segment.
    const empty = after.sentPackets - before.sentPackets - messages
    const billable = report?.bytes.billable ?? 0
    expect(within(billable + tcpHeaders * empty, wire.sentBytes)).toBeLessThan(0.001)
    expect(within(billable, wire.sentBytes)).toBeLessThan(0.02)
  })

  it('REQ-K5: of a coturn that is killed, what was never published is what the cable counted beyond the report', async () => {
    const { coturn, meter, storeUrl } = await start('killed', 'pod-k.demo')
    const startedAt = Date.now()
    const before = await network.counters()
    const clients = clientsOf(mintUsername('p-2'), 100_000)
    await eventually(async () =>
      expect((await reportOf(meter.url)).totals.bytes.turnToPeer).toBeGreaterThan(2_000_000),
    )
    // Some more goes over the cable, and not enough for coturn to say it.
    const said = await network.counters()
    await eventually(async () =>
      expect((await network.counters()).sentBytes).toBeGreaterThan(said.sentBytes + 300_000),
    )
    await coturn.stop('SIGKILL')
    clients.kill('SIGKILL')
    await clients
    const wire = gained(before, await network.counters())
    await meter.close()
    const { records } = await storedIn(storeUrl)

    // Once the allocations have expired they are held against the cable.
    const later = Date.now() + 3_600_000
    const own = records.filter((record) => record.openedAt >= startedAt)
    expect(own.some((record) => isOpen(record, later))).toBe(false)
    const sample = (at: number, of: { sentBytes: number; receivedBytes: number }) => ({
      ...{ realm: 'pod-k.demo', source: 'interface' as const, at },
      ...{ sentBytes: of.sentBytes, receivedBytes: of.receivedBytes },
    })
    const samples = [sample(startedAt, { sentBytes: 0, receivedBytes: 0 }), sample(later, wire)]
    const gaps = reconcileNodes(samples, own)
    let known = 0
    let packets = 0
    for (const traffic of own.map(totalOf)) {
      known += traffic.turnToClientBytes + traffic.turnToPeerBytes
      packets += traffic.turnToClientPackets + traffic.turnToPeerPackets
    }
    expect(gaps).toHaveLength(1)
    const [gap] = gaps
    expect(gap?.unseenSentBytes).toBe(wire.sentBytes - known - 28 * packets)
    // A tail is less than 4,096 packets of an allocation, of all four legs.
    expect(gap?.unseenSentBytes).toBeGreaterThan(0)
    expect(gap?.unseenSentBytes).toBeLessThan(own.length * 4096 * (804 + 28))
    expect(unseenCells(gaps, { region: 'eu-central-1' })).toMatchObject([
      { tenant: '', unseenSentBytes: gap?.unseenSentBytes },
    ])
  })

  it('REQ-K5: what was published while nobody listened comes in with the totals, and is said to have been lost', async () => {
    const first = await start('away', 'pod-w.demo')
    const recorder = await recordStatsdb(redis.url)
    stops.push(() => recorder.stop())
    const username = mintUsername('p-3')
    // About 3 s pass between two deltas of the allocation: time to stop and start a meter.
    const clients = clientsOf(username, 4500, { intervalMs: 3 })
    const deltas = (from = 0) =>
      recorder.lines
        .slice(from)
        .filter(({ channel }) => channel.includes(username) && /[0-9]\/traffic/.test(channel))
    const counted = async (url: string) => (await reportOf(url)).totals.bytes
    await eventually(async () =>
      expect((await counted(first.meter.url)).turnToPeer).toBeGreaterThan(0),
    )
    await first.meter.close()
    const heard = (await storedIn(first.storeUrl)).records
      .filter((record) => record.username === username)
      .reduce((sum, record) => sum + relayedBytes(totalOf(record)), 0)
    const closed = deltas().length
    await eventually(() => expect(deltas().length).toBeGreaterThanOrEqual(closed + 2))
    const starting = deltas().length
    const second = await startMeterOn(first.storeUrl)
    const started = deltas().length

    const client = clientCounters((await clients).all)
    await eventually(async () =>
      expect(await counted(second.url)).toMatchObject({
        turnToPeer: client.sentBytes,
        peerToTurn: client.receivedBytes,
      }),
    )
    const { recovered } = await storedIn(first.storeUrl)
    // What the first meter heard is the sum of all deltas up to one of them; what came while the second one
    // started it may have heard or not.
    const sums = [0]
    for (const { message } of deltas()) sums.push((sums.at(-1) ?? 0) + bytesOf(message))
    expect(sums).toContain(heard)
    expect(sums.slice(starting, started + 1).map((sum) => sum - heard)).toContain(recovered)
    expect(recovered).toBeGreaterThan(0)
  })
})

/** Received and sent, of `rcvp=1, rcvb=2, sentp=3, sentb=4`. */
function bytesOf(message: string): number {
  const [, received = 0, , sent = 0] = (message.match(/\d+/g) ?? []).map(Number)
  return received + sent
}

function gained(before: InterfaceCounters, after: InterfaceCounters) {
  const packets = {
    received: after.receivedPackets - before.receivedPackets,
    sent: after.sentPackets - before.sentPackets,
  }
  return {
    receivedBytes: after.receivedBytes - before.receivedBytes - ethernetHeader * packets.received,
    sentBytes: after.sentBytes - before.sentBytes - ethernetHeader * packets.sent,
  }
}

/** How far one is from the other, as a part of it. */
function within(value: number, of: number): number {
  return Math.abs(value - of) / of
}
