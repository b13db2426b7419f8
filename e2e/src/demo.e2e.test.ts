/** The demo's path, asserted: cluster, operator, stack, a relayed call, its report, and what survives. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { leftovers, status } from '@parley/devcluster'
import { demoSummarySchema, relayCostReportSchema } from '@parley/protocol'
import { silent } from './boards/silent.ts'
import { Watch } from './boards/watch.ts'
import { holdCall, LiveCall, launchChromium, type Seat } from './call.ts'
import { type DemoResult, demoCluster, demoNamespace, runDemo, stopDemo } from './demo/demo.ts'
import { tryFlows } from './flows.ts'
import type { ConnectionAccount } from './transport-ledger.ts'

const clusterName = 'e2e'
/** One more than the mesh takes; one camera is enough for every figure, and all that the machine has to carry. */
const forum = ['Ada', 'Grace', 'Linh', 'Noor', 'Tove'].map((name, index) => ({
  ...{ name, relay: false },
  camera: index === 0,
}))

describe('the main job, end to end', () => {
  let folder: string
  let demo: DemoResult
  let watch: Watch | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-e2e-'))
    demo = await runDemo({
      clusterName,
      kubeconfig: join(folder, 'kubeconfig'),
      silent: true,
      beforeCall: async (stack) => {
        watch = await Watch.start({
          ...{ stack, clusterName, namespace: demoNamespace, name: demoCluster },
          folder: join(folder, 'prometheus'),
        })
      },
    })
  }, 15 * 60_000)

  afterAll(async () => {
    await watch?.stop()
    await stopDemo(clusterName)
    await rm(folder, { recursive: true, force: true })
  }, 120_000)

  const relayed = () => demo.call.seats.filter(({ guest }) => guest.relay)

  it('REQ-K1: one resource becomes a running stack, every component ready', () => {
    const { components } = demo.summary.stack
    for (const component of ['turn', 'signaling', 'webapp', 'redis', 'meter']) {
      expect(components[component]?.desired).toBeGreaterThan(0)
      expect(components[component]?.ready).toBe(components[component]?.desired)
    }
  })

  it('every receiver decodes frames of every other participant', () => {
    for (const { peers } of demo.call.seats) {
      expect(peers).toHaveLength(2)
      for (const peer of peers) expect(peer.framesDecoded).toBeGreaterThan(0)
    }
  })

  it('REQ-M7: the selected candidate pair is relayed where that was forced, and says so', () => {
    expect(relayed()).toHaveLength(2)
    for (const { guest, peers } of demo.call.seats)
      for (const peer of peers) {
        if (guest.relay) expect(peer.localCandidateType).toBe('relay')
        // Whoever talks to one who is relayed uses a relay too: the other's.
        expect(peer.usingRelay).toBe(true)
      }
  })

  it('REQ-K5: the report names the room and its three participants', () => {
    const { rows } = demo.summary.report
    expect(
      new Set(rows.map(({ key }) => key.room).filter((room) => !room?.startsWith('('))),
    ).toEqual(new Set(['standup']))
    const named = rows.map(({ key }) => key.participant)
    for (const { participantId } of demo.call.seats) expect(named).toContain(participantId)
  })

  it('REQ-K5, REQ-M7: bytes of the report agree with the browsers’ own within 2 %', () => {
    const accounts = relayed().flatMap((seat) => accountsOf(seat, demo.summary.report.rows))
    expect(accounts).toHaveLength(4)
    // Below nothing where packets still came for one who had just left a path: they are on the leg of the peers alone.
    const sound = ({ apart, ownOfTurn, ownAtMost }: Account) =>
      apart < 0.02 && Math.abs(ownOfTurn) < ownAtMost
    // Whoever is not says all that is known of it.
    expect(accounts.filter((one) => !sound(one))).toEqual([])
  })

  it('REQ-K5: the rows sum to the totals exactly, in every leg and in money', () => {
    const { rows, totals } = relayCostReportSchema.parse(demo.summary.report)
    for (const leg of [
      'clientToTurn',
      'turnToClient',
      'turnToPeer',
      'peerToTurn',
      'billable',
    ] as const) {
      expect(sum(rows, ({ bytes }) => bytes[leg])).toBe(totals.bytes[leg])
      expect(totals.bytes[leg]).toBeGreaterThan(0)
    }
    expect(sum(rows, ({ allocations }) => allocations)).toBe(totals.allocations)
    expect(sum(rows, ({ cost }) => Math.round(cost.total * 1e6))).toBe(
      Math.round(totals.cost.total * 1e6),
    )
  })

  it('the summary has the shape that others script against', () => {
    const summary = demoSummarySchema.parse(demo.summary)
    expect(summary.call.participants).toBe(3)
    expect(summary.call.relayed).toBeGreaterThanOrEqual(2)
  })

  it('REQ-K6: kubectl get mc shows readiness, region, rooms, users on relay, cost, month to date and age', () => {
    expect(demo.duringCall).toMatch(/READY +REGION +ROOMS +USERS ON RELAY +COST\/H +MTD +AGE/)
    // All three hold allocations: the browser of the third gathers relay candidates as well.
    expect(demo.duringCall).toMatch(
      /meetings +demo +True +eu-central-1 +1 +[23] +\d+\.\d+ +\d+\.\d+ +\S+/,
    )
  })

  it('REQ-A4, REQ-S4: every panel and every rule has data in a Prometheus that saw this call, and one on the SFU', async () => {
    if (!watch) throw new Error('nobody watched the call')
    const browser = await launchChromium(demo.webappUrl, { fps: 5 })
    try {
      const url = demo.webappUrl
      const call = await LiveCall.start({
        ...{ url, room: 'forum', guests: forum, browser },
        connectTimeoutMs: 180_000,
      })
      // What pages say is counted once a minute.
      expect(await watch.unanswered({ withinMs: 90_000, except: silent })).toEqual([])
      expect(await watch.withoutRows()).toEqual([])
      expect(await watch.complaints()).toEqual([])
      // So that no allocation of theirs stays open.
      await call.leave()
    } finally {
      await browser.close()
      await watch.stop()
    }
  }, 360_000)

  it('no secret of the stack stands in a log, an event or the status', async () => {
    const secrets = JSON.parse(
      await demo.stack.kubectl(['get', 'secrets', '-n', demoNamespace, '-o', 'json']),
    ) as { items: { metadata: { name: string }; data?: Record<string, string> }[] }
    const values = secrets.items
      .flatMap(({ metadata, data }) =>
        Object.entries(data ?? {})
          .filter(([key]) => key !== 'host' && key !== 'port')
          .flatMap(([key, value]) =>
            Buffer.from(value, 'base64')
              .toString()
              .split('\n')
              .map((line) => ({ name: `${metadata.name}/${key}`, line })),
          ),
      )
      .filter(({ line }) => line.length >= 16)
    expect(values.length).toBeGreaterThan(0)
    const pods = (
      await demo.stack.kubectl([
        'get',
        'pods',
        '-A',
        '-l',
        'app.kubernetes.io/part-of=parley',
        '-o',
        'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}',
      ])
    )
      .trim()
      .split('\n')
    const texts = [
      await demo.stack.kubectl(['get', 'events', '-A', '-o', 'json']),
      await demo.stack.kubectl(['get', 'mc', '-A', '-o', 'json']),
      await demo.stack.kubectl(['get', 'pods', '-A', '-o', 'json']),
      await demo.stack.kubectl(['get', 'configmaps', '-A', '-o', 'json']),
    ]
    for (const pod of pods) {
      const [namespace = '', name = ''] = pod.split('/')
      texts.push(await demo.stack.kubectl(['logs', '-n', namespace, name, '--all-containers']))
    }
    const leaked = values.filter(({ line }) => texts.some((text) => text.includes(line)))
    expect(leaked.map(({ name }) => name)).toEqual([])
  })

  it('REQ-K1: the network policies let through what the stack needs, and nothing else', async () => {
    const node = (await status({ name: clusterName }))?.nodes[0]
    if (!node) throw new Error('the cluster has no node')
    const { found, wanted } = await tryFlows(demo.stack, demoNamespace, demoCluster, node)
    expect(found).toEqual(wanted)
  }, 120_000)

  it('REQ-K1: killed pods come back, and the next call is relayed and counted as before', async () => {
    const before = demo.summary.report.totals.bytes.clientToTurn
    await demo.stack.kubectl([
      'delete',
      'pods',
      '-n',
      demoNamespace,
      '--all',
      '--grace-period=0',
      '--force',
    ])
    await demo.stack.kubectl([
      'wait',
      'pods',
      '-n',
      demoNamespace,
      '--all',
      '--for=condition=Ready',
      '--timeout=180s',
    ])
    await demo.stack.waitReady(demoNamespace, demoCluster, {
      timeoutMs: 180_000,
      onProgress: () => {},
    })
    const call = await holdCall({
      url: demo.webappUrl,
      room: 'after',
      guests: [
        { name: 'Ada', relay: true },
        { name: 'Grace', relay: false },
      ],
      mediaSeconds: 5,
    })
    const ada = call.seats[0]?.participantId
    const report = await demo.stack.reportOnceClosed(
      demoNamespace,
      demoCluster,
      'room,participant',
      () => {},
    )
    const row = report.rows.find(({ key }) => key.participant === ada)
    expect(row?.bytes.clientToTurn).toBeGreaterThan(100_000)
    expect(report.totals.bytes.clientToTurn).toBeGreaterThanOrEqual(
      before + (row?.bytes.clientToTurn ?? 0),
    )
  }, 600_000)

  it('after down no process, namespace, mount or rule of the cluster remains', async () => {
    await stopDemo(clusterName)
    expect(await leftovers(clusterName)).toEqual([])
  }, 120_000)
})

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0)
}

type Account = ReturnType<typeof accountsOf>[number]

/** ICE's checks go the way of the media. About so long, with user names, integrity and fingerprint (RFC 8445, 8489). */
const checkBytes = 100
const checkAnswerBytes = 64
/** TURN's ChannelData header, in front of each packet between client and relay. */
const channelDataHeaderBytes = 4
/** TURN's own messages of an allocation: 2.4 kB at most was measured, with ten busy processes beside the call. */
const turnBytesPerAllocation = 4000

/**
 * What the report and the browser say of one who is relayed, in each direction, with all that may explain a gap.
 * On the leg to the peers there is what browsers count, and checks; the leg to the client has TURN's headers and
 * messages as well.
 */
function accountsOf(
  { guest, participantId, connections }: Seat,
  rows: DemoResult['summary']['report']['rows'],
) {
  const row = rows.find(({ key }) => key.participant === participantId)
  const { allocations = 0, bytes } = row ?? {}
  const counted = (field: keyof ConnectionAccount) => sum(connections, (one) => Number(one[field]))
  const account = (
    of: Record<'media' | 'packets' | 'checks' | 'answers' | 'peers' | 'client', number>,
  ) => {
    const browser = of.media + checkBytes * of.checks + checkAnswerBytes * of.answers
    const headers = channelDataHeaderBytes * of.packets
    return {
      ...{ who: guest.name, allocations, ...of, connections },
      apart: Math.abs(of.peers - browser) / browser,
      ownOfTurn: of.client - of.peers - headers,
      ownAtMost: turnBytesPerAllocation * allocations,
    }
  }
  return [
    account({
      media: counted('bytesSent'),
      packets: counted('packetsSent'),
      checks: counted('checksSent'),
      answers: counted('checksAnswered'),
      peers: bytes?.turnToPeer ?? 0,
      client: bytes?.clientToTurn ?? 0,
    }),
    account({
      media: counted('bytesReceived'),
      packets: counted('packetsReceived'),
      checks: counted('checksAnswered'),
      answers: counted('checksSent'),
      peers: bytes?.peerToTurn ?? 0,
      client: bytes?.turnToClient ?? 0,
    }),
  ]
}
