import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
let operator: TestOperator
let heart: NodeJS.Timeout | undefined

beforeAll(async () => {
  cluster = await TestCluster.start('operator-turn')
  operator = new TestOperator(cluster)
  await cluster.node('n1', '203.0.113.1')
  await cluster.node('n2', '203.0.113.2')
})
afterEach(() => clearInterval(heart))
afterAll(async () => {
  await operator.stop()
  await cluster.stop()
})

const plain = (host: string, udp = 3478, tcp = udp) => [
  `turn:${host}:${udp}?transport=udp`,
  `turn:${host}:${tcp}?transport=tcp`,
]

/** In the status, and in what signaling gives to browsers. */
function turnUrls(namespace: string, urls: string[]): Promise<void> {
  return eventually(async () => {
    const found = await cluster.get('mc', 'demo', namespace)
    expect(found?.status?.endpoints?.turn).toEqual(urls)
    if (urls.length === 0) return
    const config = await cluster.get('cm', 'demo-turn-endpoints', namespace)
    expect(JSON.parse(config?.data?.['endpoints.json'] ?? '{}')).toEqual({ urls })
  })
}

function turnService(namespace: string, type: string): Promise<TestObject> {
  return eventually(async () => {
    const service = await cluster.get('svc', 'demo-turn', namespace)
    expect(service?.spec?.type).toBe(type)
    return service as TestObject
  })
}

async function change(namespace: string, turn: object): Promise<void> {
  const patch = JSON.stringify({ spec: { turn } })
  await cluster.kubectl('patch', 'mc', 'demo', '-n', namespace, '--type=merge', '-p', patch)
}

describe('the TURN listener', () => {
  it('REQ-K1: behind a load balancer is not ready before that has an address, and follows it', async () => {
    await cluster.meetingCluster('lb', { turn: { replicas: 1, exposure: 'LoadBalancer' } })
    await cluster.runPods('lb', 'turn', 'n1')
    const waiting = await cluster.condition('lb', 'TurnReady', {
      status: 'False',
      reason: 'WaitingForTurnAddress',
    })
    expect(waiting.message).toContain('Service demo-turn has no address of a load balancer yet')
    await cluster.condition('lb', 'Ready', { status: 'False' })
    await turnService('lb', 'LoadBalancer')

    const balance = (ingress: object[]) =>
      cluster.patchStatus('svc', 'demo-turn', 'lb', { loadBalancer: { ingress } })
    await balance([{ ip: '198.51.100.50' }])
    await turnUrls('lb', plain('198.51.100.50'))
    await cluster.condition('lb', 'TurnReady', { status: 'True' })
    // Relay addresses stay those of the nodes.
    const config = await cluster.get('cm', 'demo-turn-config', 'lb')
    expect(JSON.parse(config?.data?.['addresses.json'] ?? '{}')).toMatchObject({
      n1: '203.0.113.1',
    })

    await balance([{ hostname: 'lb.example.com' }])
    await turnUrls('lb', plain('lb.example.com'))
    await change('lb', { service: { host: 'turn.example.com' } })
    await turnUrls('lb', plain('turn.example.com'))
  })

  it('REQ-K1: at a port of the nodes is where the API server has put it, and moves with it', async () => {
    await cluster.meetingCluster('np', { turn: { replicas: 1, exposure: 'NodePort' } })
    await cluster.runPods('np', 'turn', 'n1')
    const { spec } = await turnService('np', 'NodePort')
    const [udp, tcp] = spec.ports.map(({ nodePort }: { nodePort: number }) => nodePort)
    await turnUrls('np', plain('203.0.113.1', udp, tcp))
    await change('np', { service: { nodePort: 30478 } })
    await turnUrls('np', plain('203.0.113.1', 30478))
  })

  it('REQ-K1: changes its exposure, also to and from a Service without an address', async () => {
    await cluster.meetingCluster('moving', { turn: { replicas: 1 } })
    await cluster.runPods('moving', 'turn', 'n1')
    await turnUrls('moving', plain('203.0.113.1'))
    expect((await turnService('moving', 'ClusterIP')).spec.clusterIP).toBe('None')
    await change('moving', { exposure: 'NodePort', service: { nodePort: 30479 } })
    await turnUrls('moving', plain('203.0.113.1', 30479))
    await change('moving', { exposure: 'HostNetwork', service: null })
    await turnUrls('moving', plain('203.0.113.1'))
    expect((await turnService('moving', 'ClusterIP')).spec.clusterIP).toBe('None')
    await cluster.condition('moving', 'TurnReady', { status: 'True' })
  })
})

describe('what TURN relays to', () => {
  const allowed = async (namespace: string) => {
    const config = await cluster.get('cm', 'demo-turn-config', namespace)
    return config?.data?.['allowed-peers']
  }

  it('REQ-K3: a node counts from when a media pod comes to it until the last one has gone', async () => {
    await cluster.node('n3', '203.0.113.3', '10.9.0.3')
    const turn = { replicas: 1, nodeSelector: { media: 'yes' } }
    await cluster.meetingCluster('peers', { turn })
    await eventually(async () => expect(await allowed('peers')).toBe(''))
    await cluster.runPods('peers', 'turn', 'n3')
    await eventually(async () => expect(await allowed('peers')).toBe('10.9.0.3\n203.0.113.3\n'))
    // Pods that run are shown it at once.
    await eventually(async () => {
      const [pod] = await podsOf('peers')
      expect(pod?.metadata.annotations).toHaveProperty(['parley.dev/config-seen'])
    })
    const [pod] = await podsOf('peers')
    const name = pod?.metadata.name ?? ''
    await cluster.kubectl('delete', 'pod', name, '-n', 'peers', '--wait=false')
    await turnUrls('peers', [])
    expect(await allowed('peers')).toBe('10.9.0.3\n203.0.113.3\n')
    await cluster.kubectl('delete', 'pod', name, '-n', 'peers', '--force', '--grace-period=0')
    await eventually(async () => expect(await allowed('peers')).toBe(''))
  })

  it('REQ-K3: a node that may get a media pod counts before it has one: calls never wait for the operator', async () => {
    const turn = { replicas: 1, nodeSelector: { media: 'yes' } }
    await cluster.meetingCluster('ready-made', { turn })
    await eventually(async () => expect(await allowed('ready-made')).toBe(''))
    await cluster.node('n4', '203.0.113.4', '10.9.0.4')
    await cluster.kubectl('label', 'node', 'n4', 'media=yes')
    const known = '10.9.0.4\n203.0.113.4\n'
    await eventually(async () => expect(await allowed('ready-made')).toBe(known))
    // Cordoned: none comes for now, but those that run there stay, and it may be opened again.
    await cluster.kubectl('cordon', 'n4')
    await operator.quiet()
    expect(await allowed('ready-made')).toBe(known)
    const before = await cluster.get('cm', 'demo-turn-config', 'ready-made')
    await operator.stop()
    await cluster.runPods('ready-made', 'turn', 'n4')
    const after = await cluster.get('cm', 'demo-turn-config', 'ready-made')
    expect(after).toEqual(before)
    operator = new TestOperator(cluster)
    await turnUrls('ready-made', plain('203.0.113.4'))
    expect(await allowed('ready-made')).toBe(known)
    await cluster.kubectl('label', 'node', 'n4', 'media-')
    // It has one yet.
    await operator.quiet()
    expect(await allowed('ready-made')).toBe(known)
  })
})

describe('TURN pods that go', () => {
  it('REQ-K7: leave the TURN URLs at once, while they live on for their allocations', async () => {
    await cluster.meetingCluster('draining', { turn: { replicas: 2, drainTimeout: '2h' } })
    await runOn('draining', ['n1', 'n2'])
    await turnUrls('draining', [...plain('203.0.113.1'), ...plain('203.0.113.2')])
    const pod = (await podsOf('draining')).find(({ spec }) => spec.nodeName === 'n1')
    const { name = '' } = pod?.metadata ?? {}
    await cluster.kubectl('delete', 'pod', name, '-n', 'draining', '--wait=false')
    await turnUrls('draining', plain('203.0.113.2'))
    const leaving = await cluster.get('pod', name, 'draining')
    expect(leaving?.metadata.deletionTimestamp).toBeDefined()
    expect(leaving?.spec.terminationGracePeriodSeconds).toBe(7230)
  })

  it('REQ-K7: stay where a new version does not start, and the condition says why', async () => {
    const beat = () => Promise.all(['n1', 'n2'].map((node) => cluster.nodeIsReady(node)))
    await beat()
    heart = setInterval(() => void beat(), 5000)
    await cluster.meetingCluster('bad', { turn: { replicas: 1 } })
    await cluster.runPods('bad', 'turn', 'n1')
    await cluster.condition('bad', 'TurnReady', { status: 'True' })
    // Whose turn it is before TURN's.
    for (const component of ['webapp', 'redis', 'meter', 'signaling'])
      await cluster.runPods('bad', component, 'n2')
    await cluster.condition('bad', 'Ready', { status: 'True' })
    await eventually(async () => {
      const deployment = await cluster.get('deploy', 'demo-turn', 'bad')
      expect(deployment?.spec?.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    })
    await cluster.kubectl(
      ...['patch', 'mc', 'demo', '-n', 'bad', '--type=merge', '-p'],
      JSON.stringify({ spec: { turn: { podAnnotations: { version: 'next' } } } }),
    )
    // There is a second node, so the new pod comes before the old one goes.
    const fresh = await eventually(async () => {
      const found = (await podsOf('bad')).find(
        ({ metadata }) => metadata.annotations?.version === 'next',
      )
      if (!found) throw new Error('no pod of the new version yet')
      return found
    })
    await cluster.patchStatus('pod', fresh.metadata.name, 'bad', {
      phase: 'Pending',
      containerStatuses: [
        {
          ...{ name: 'turn', image: fresh.spec.containers[0].image, imageID: '' },
          ...{ ready: false, restartCount: 0 },
          state: { waiting: { reason: 'ImagePullBackOff' } },
        },
      ],
    })
    await eventually(async () => {
      const { message } = await cluster.condition('bad', 'TurnReady', { status: 'False' })
      expect(message).toContain('1 of 1 pods ready')
      expect(message).toContain('parley-coturn:test cannot be pulled')
    })
    await turnUrls('bad', plain('203.0.113.1'))
    const old = (await podsOf('bad')).filter(({ spec }) => spec.nodeName === 'n1')
    expect(old).toHaveLength(1)
    expect(old[0]?.metadata.deletionTimestamp).toBeUndefined()
  })
})

async function podsOf(namespace: string): Promise<TestObject[]> {
  const selector = 'app.kubernetes.io/component=turn'
  const text = await cluster.kubectl('get', 'pods', '-n', namespace, '-l', selector, '-o', 'json')
  return (JSON.parse(text) as { items: TestObject[] }).items
}

/** One pod on each node. */
async function runOn(namespace: string, nodes: string[]): Promise<void> {
  await eventually(async () => {
    const pods = await podsOf(namespace)
    if (pods.length < nodes.length) throw new Error('not all pods are there yet')
    for (const [index, pod] of pods.entries()) {
      await cluster.runPod(pod, nodes[index] ?? '')
    }
  })
}
