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
import {
  closed,
  coturnDeltas,
  coturnTotals,
  deltaCount,
  deltas,
  expectAsClientsSay,
  type Legs,
} from './testing/totals.ts'

jest.setTimeout(240_000)

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
  /** Nothing goes over the cable any more, so coturn has nothing more to say. */
  const silence = () =>
    eventually(async () => {
      const before = await network.counters()
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(await network.counters()).toEqual(before)
    })
  const recordingOf = async () => {
    const recorder = await recordStatsdb(redis.url)
    stops.push(() => recorder.stop())
    return recorder.lines
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
    const lines = await recordingOf()
    const before = await network.counters()
    const messages = 3000
    const username = mintUsername('p-1')
    const { all } = await clientsOf(username, messages)
    const client = clientCounters(all)
    expect(client.sentBytes).toBeGreaterThanOrEqual(messages * 800)
    await closed(lines, username, 1)
    const said = coturnTotals(lines, username)
    expectAsClientsSay(said, client)
    const report = await eventually(async () => {
      const report = await reportOf(meter.url)
      expect(report.totals.bytes).toMatchObject(said)
      return report
    })
    const wire = gained(before, await network.counters())
    // On the client legs each message has 4 bytes of ChannelData; the rest is STUN's.
    const stun = (leg: number, payload: number) => leg - payload - 4 * (payload / 800)
    for (const bytes of [
      stun(said.clientToTurn, said.turnToPeer),
      stun(said.turnToClient, said.peerToTurn),
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
    // What a busy machine has lost after the cable, nobody has counted.
    const lost = client.sentBytes - client.receivedBytes
    expect(within(received, wire.receivedBytes)).toBeLessThan(0.005 + lost / client.sentBytes)
  })

  it('REQ-K5: over TCP, what the cable has beyond the report is headers of empty segments', async () => {
    const { meter, storeUrl } = await start('tcp', 'pod-t.demo')
    const lines = await recordingOf()
    const startedAt = Date.now()
    const before = await network.counters()
    const username = mintUsername('p-4')
    const { all } = await clientsOf(username, 3000, { transport: 'tcp' })
    const client = clientCounters(all)
    await closed(lines, username, 1)
    const { turnToPeer, peerToTurn } = coturnTotals(lines, username)
    expectAsClientsSay({ turnToPeer, peerToTurn }, client)
    const report = await eventually(async () => {
      const report = await reportOf(meter.url, 'transport')
      const row = report.rows.find(({ key }) => key.transport === 'tcp')
      expect(row?.bytes).toMatchObject({ turnToPeer, peerToTurn })
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
    const lines = await recordingOf()
    const startedAt = Date.now()
    const before = await network.counters()
    const username = mintUsername('p-2')
    const clients = clientsOf(username, 100_000)
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
    // The last of what it published may still be on its way.
    await eventually(async () =>
      expect((await reportOf(meter.url)).totals.bytes).toMatchObject(coturnDeltas(lines, username)),
    )
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
    const lines = await recordingOf()
    const username = mintUsername('p-3')
    const clients = clientsOf(username, 4500, { intervalMs: 2 })
    stops.push(async () => void clients.kill('SIGKILL'))
    const counted = async (url: string) => (await reportOf(url)).totals.bytes
    await deltas(lines, username, 1)
    // However long it takes to stop and to start a meter: nobody sends meanwhile.
    clients.kill('SIGSTOP')
    await silence()
    await eventually(async () =>
      expect(await counted(first.meter.url)).toMatchObject(coturnDeltas(lines, username)),
    )
    await first.meter.close()
    const heard = (await storedIn(first.storeUrl)).records
      .filter((record) => record.username === username)
      .reduce((sum, record) => sum + relayedBytes(totalOf(record)), 0)
    expect(heard).toBe(sumOf(coturnDeltas(lines, username)))
    const before = deltaCount(lines, username)
    clients.kill('SIGCONT')
    await deltas(lines, username, before + 1)
    clients.kill('SIGSTOP')
    await silence()
    const second = await startMeterOn(first.storeUrl)
    const missed = sumOf(coturnDeltas(lines, username)) - heard
    clients.kill('SIGCONT')

    const client = clientCounters((await clients).all)
    await closed(lines, username, 1)
    const said = coturnTotals(lines, username)
    expectAsClientsSay(said, client)
    await eventually(async () => expect(await counted(second.url)).toMatchObject(said))
    const { recovered } = await storedIn(first.storeUrl)
    expect(recovered).toBe(missed)
    expect(recovered).toBeGreaterThan(0)
  })
})

function sumOf({ clientToTurn, turnToClient, peerToTurn, turnToPeer }: Legs): number {
  return clientToTurn + turnToClient + peerToTurn + turnToPeer
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
