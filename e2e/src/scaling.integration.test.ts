import { createServer, type Server } from 'node:https'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { mintUsername, startTurnClients } from '../../meter/src/testing/servers.ts'
import { renewedIdentity } from '../../operator/src/metrics-api/certificate.ts'
import {
  ownAddress,
  serviceOnThisMachine,
} from '../../operator/src/metrics-api/testing/aggregation.ts'
import {
  eventually,
  TestCluster,
  type TestObject,
  TestOperator,
} from '../../operator/src/reconcile/testing/test-cluster.ts'
import { podNames as namesOfPods, startRelay } from './testing/led-meter.ts'

/**
 * Kubernetes' own autoscaler changes the number of TURN pods by what a real coturn relays: coturn → Redis → meter →
 * operator → aggregated API → HorizontalPodAutoscaler → Deployment. Without kubelets, so pods are played: the programs
 * run beside the control plane, and the CPU of the pods, which an autoscaler wants to know before it takes one away,
 * is said by the test.
 */

jest.setTimeout(420_000)

const SYSTEM = 'parley-system'
const SERVICE = 'parley-operator-metrics-api'
const NS = 'meetings'

const stops: (() => Promise<unknown>)[] = []
let cluster: TestCluster

beforeAll(async () => {
  cluster = await TestCluster.start('scaling')
  stops.push(() => cluster.stop())
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } })
})
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop()
})

it('REQ-K1: TURN pods grow with relayed Mbit/s and shrink when it ends; a pod that drains does not count', async () => {
  const operator = new TestOperator(cluster, {
    leaseNamespace: SYSTEM,
    metricsApi: { port: 0, service: SERVICE, custom: false },
  })
  stops.push(() => operator.stop())
  await cluster.apply(...serviceOnThisMachine(SYSTEM, SERVICE, await operator.metricsApiPort()))
  await idleCpu()
  await cluster.node('edge', '203.0.113.7')
  await cluster.meetingCluster(NS, {
    turn: { autoscaling: { minReplicas: 1, maxReplicas: 4, targetRelayMbps: 1 } },
  })
  await cluster.runPods(NS, 'turn', 'edge')
  await cluster.runPods(NS, 'meter', 'edge')
  await eventually(async () => {
    const hpa = await cluster.get('hpa', 'demo-turn', NS)
    expect(JSON.stringify(hpa?.spec.metrics)).toContain('parley_relay_mbps')
  })
  // Nothing is put back from here on: the Service of the meter leads to a process, and pods may go at once.
  await cluster.kubectl('annotate', 'mc', 'demo', '-n', NS, 'parley.dev/paused=true')
  await patch('hpa', 'demo-turn', {
    spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [fast] } } },
  })

  const [turnPod = ''] = await podNames('turn')
  const relay = await startRelay({ cluster, namespace: NS }, turnPod)
  const { port } = relay
  stops.push(...relay.stops.toReversed())
  const calls = ['p-00000001', 'p-00000002', 'p-00000003'].map((participant) =>
    startTurnClients({ port, username: mintUsername(participant), messages: 60_000, bytes: 1200 }),
  )
  for (const call of calls) call.catch(() => {})
  stops.push(async () => {
    for (const call of calls) call.kill()
  })

  const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${NS}/parley_relay_mbps`
  await within(60_000, async () => {
    const { items } = JSON.parse(await cluster.kubectl('get', '--raw', path))
    expect(items).toMatchObject([{ metricLabels: { cluster: 'demo' } }])
    expect(Number.parseInt(items[0].value, 10)).toBeGreaterThan(3000)
  })
  await within(60_000, async () => {
    const hpa = await cluster.get<Autoscaler>('hpa', 'demo-turn', NS)
    expect(hpa?.status?.desiredReplicas).toBe(4)
    expect((await cluster.get('deployment', 'demo-turn', NS))?.spec.replicas).toBe(4)
  })

  await within(60_000, async () => expect(await podNames('turn')).toHaveLength(4))
  await runTurnPods()
  // Its calls go on while it drains; the others have none.
  await cluster.kubectl('delete', 'pod', turnPod, '-n', NS, '--wait=false')
  await within(90_000, async () => {
    await runTurnPods()
    const hpa = await cluster.get<Autoscaler>('hpa', 'demo-turn', NS)
    expect(hpa?.status?.desiredReplicas).toBe(1)
    expect((await cluster.get('deployment', 'demo-turn', NS))?.spec.replicas).toBe(1)
  })
})

interface Autoscaler extends TestObject {
  status?: { desiredReplicas?: number; conditions?: never }
}

const fast = { type: 'Percent', value: 100, periodSeconds: 15 }

/** `metrics.k8s.io` of a cluster whose pods hardly do anything. */
async function idleCpu(): Promise<void> {
  const { certificate, key } = (await renewedIdentity({}, ['localhost'], Date.now())) ?? {}
  const server: Server = createServer({ cert: certificate, key }, (request, response) => {
    const isList = request.url?.includes('/pods') ?? false
    const answer = async () => ({
      kind: isList ? 'PodMetricsList' : 'APIResourceList',
      apiVersion: isList ? 'metrics.k8s.io/v1beta1' : 'v1',
      ...(isList
        ? { metadata: {}, items: (await podNames('turn')).map(idlePod) }
        : { groupVersion: 'metrics.k8s.io/v1beta1', resources: [] }),
    })
    answer().then(
      (body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, ownAddress(), resolve))
  stops.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  await cluster.apply(...serviceOnThisMachine(SYSTEM, 'cpu', port), {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { name: 'cpu', namespace: SYSTEM },
    },
  })
}

const idlePod = (name: string) => ({
  metadata: { name, namespace: NS },
  timestamp: new Date().toISOString(),
  window: '10s',
  containers: [{ name: 'coturn', usage: { cpu: '5m', memory: '20Mi' } }],
})

/** Plays the kubelet for TURN pods that have run for long. */
async function runTurnPods(): Promise<void> {
  await cluster.runPods(NS, 'turn', 'edge')
  const startTime = new Date(Date.now() - 600_000).toISOString()
  for (const name of await podNames('turn'))
    await patch('pod', name, { status: { startTime } }, 'status')
}

function podNames(component: string): Promise<string[]> {
  return namesOfPods({ cluster, namespace: NS }, component)
}

function patch(kind: string, name: string, body: object, subresource?: string): Promise<string> {
  const flags = subresource ? [`--subresource=${subresource}`] : []
  return cluster.kubectl(
    ...['patch', kind, name, '-n', NS, '--type=merge', '-p', JSON.stringify(body)],
    ...flags,
  )
}

function within(withinMs: number, check: () => Promise<void>): Promise<void> {
  return eventually(check, { withinMs, everyMs: 1_000 })
}
