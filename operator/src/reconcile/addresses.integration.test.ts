import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals'
import { eventually, TestCluster, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
let operator: TestOperator

beforeAll(async () => {
  cluster = await TestCluster.start('operator-addresses')
})
beforeEach(() => {
  operator = new TestOperator(cluster)
})
afterEach(() => operator.stop())
afterAll(() => cluster.stop())

function turnUrls(namespace: string, urls: string[]): Promise<void> {
  return eventually(async () => {
    const found = await cluster.get('mc', 'demo', namespace)
    expect(found?.status?.endpoints?.turn).toEqual(urls)
  })
}

describe('TURN addresses', () => {
  it('REQ-K1: come from the ExternalIP of the nodes that ready TURN pods run on; signaling starts then', async () => {
    await cluster.node('edge', '203.0.113.7')
    await cluster.meetingCluster('external', { turn: { replicas: 1 } })
    await cluster.runPods('external', 'turn', 'edge')
    await turnUrls('external', [
      'turn:203.0.113.7:3478?transport=udp',
      'turn:203.0.113.7:3478?transport=tcp',
    ])
    await eventually(async () => {
      const children = await cluster.children('external')
      expect([...children.keys()]).toEqual(
        expect.arrayContaining(['Deployment/demo-signaling', 'ConfigMap/demo-turn-endpoints']),
      )
      const config = children.get('ConfigMap/demo-turn-config')?.data?.['addresses.json'] ?? ''
      expect(JSON.parse(config)).toEqual({ edge: '203.0.113.7' })
    })
  })

  it('REQ-K1: a change reaches the pods that use it without a restart', async () => {
    await cluster.node('moving', '203.0.113.20')
    await cluster.meetingCluster('moved', { turn: { replicas: 1 } })
    await cluster.runPods('moved', 'turn', 'moving')
    await turnUrls('moved', [
      'turn:203.0.113.20:3478?transport=udp',
      'turn:203.0.113.20:3478?transport=tcp',
    ])
    await cluster.runPods('moved', 'signaling', 'moving')
    const before = await uids('moved', 'signaling')
    await cluster.node('moving', '203.0.113.21')
    await eventually(async () => {
      for (const pod of await cluster.podsOf('moved', 'signaling')) {
        expect(pod.metadata.annotations?.['parley.dev/config-seen']).toBeDefined()
      }
    })
    expect(await uids('moved', 'signaling')).toEqual(before)
  })

  it('REQ-K1: a node without an ExternalIP is named, and nothing wrong is advertised', async () => {
    await cluster.node('inside')
    await cluster.meetingCluster('internal', { turn: { replicas: 1 } })
    await cluster.runPods('internal', 'turn', 'inside')
    const condition = await cluster.condition('internal', 'TurnReady', {
      status: 'False',
      reason: 'WaitingForTurnAddress',
    })
    expect(condition.message).toContain('node inside')
    expect(condition.message).toContain('spec.turn.externalAddresses')
    await turnUrls('internal', [])
    await patch('internal', { turn: { externalAddresses: ['198.51.100.9'] } })
    await eventually(async () => {
      // Other pods: coturn takes its address when it starts.
      await cluster.runPods('internal', 'turn', 'inside')
      const found = await cluster.get('mc', 'demo', 'internal')
      expect(found?.status?.endpoints?.turn).toEqual([
        'turn:198.51.100.9:3478?transport=udp',
        'turn:198.51.100.9:3478?transport=tcp',
      ])
    })
  })
})

describe('SFU addresses', () => {
  it('REQ-K1: an SFU pod on a node without an ExternalIP is named; a given address is rolled out', async () => {
    await cluster.node('hidden')
    await cluster.meetingCluster('sfu', { sfu: { engine: 'LiveKit', replicas: 1 } })
    await cluster.runPods('sfu', 'sfu', 'hidden')
    const condition = await cluster.condition('sfu', 'SfuReady', {
      status: 'False',
      reason: 'WaitingForSfuAddress',
    })
    expect(condition.message).toContain('node hidden')
    // Whose turn it is before the SFU's.
    for (const component of ['webapp', 'redis', 'meter'])
      await cluster.runPods('sfu', component, 'hidden')
    const before = await uids('sfu', 'sfu')
    await patch('sfu', { sfu: { externalAddresses: ['198.51.100.9'] } })
    await eventually(async () => {
      const config = (await cluster.children('sfu')).get('ConfigMap/demo-sfu-config')
      expect(JSON.parse(config?.data?.['addresses.json'] ?? '')).toMatchObject({
        hidden: '198.51.100.9',
      })
      expect(await uids('sfu', 'sfu')).not.toEqual(before)
    })
    await cluster.runPods('sfu', 'sfu', 'hidden')
    await cluster.condition('sfu', 'SfuReady', { status: 'True', reason: 'Available' })
  })

  it('REQ-K1: an engine that is switched off takes along all that it had', async () => {
    await cluster.meetingCluster('off', { sfu: { engine: 'LiveKit', replicas: 1 } })
    const ofSfu = async () =>
      [...(await cluster.children('off')).keys()]
        .filter((name) => /sfu|livekit/.test(name))
        .toSorted()
    await eventually(async () => {
      expect(await ofSfu()).toEqual([
        'ConfigMap/demo-sfu-config',
        'Deployment/demo-sfu',
        'PodDisruptionBudget/demo-sfu',
        'Secret/demo-livekit-keys',
        'Service/demo-sfu',
        'ServiceAccount/demo-sfu',
      ])
    })
    await patch('off', { sfu: { engine: 'None', replicas: null } })
    await eventually(async () => expect(await ofSfu()).toEqual([]))
    await cluster.condition('off', 'SfuReady', { status: 'True', reason: 'Disabled' })
  })
})

describe('readiness', () => {
  it('REQ-K6: Ready once every component is, with one event; not when a pod is lost', async () => {
    await cluster.node('busy', '203.0.113.30')
    await cluster.meetingCluster('ready', {
      turn: { replicas: 1 },
      signaling: { replicas: 1 },
      webapp: { replicas: 1 },
    })
    for (const component of ['turn', 'redis', 'meter', 'webapp', 'signaling']) {
      await cluster.runPods('ready', component, 'busy')
    }
    const ready = await cluster.condition('ready', 'Ready', { status: 'True', reason: 'Available' })
    expect(ready.message).toContain('all 5 components')
    await cluster.condition('ready', 'Reconciling', { status: 'False' })
    // The pods are not real: the meter does not answer, and that alone is no reason to worry.
    const meter = await cluster.condition('ready', 'MeterReady', { status: 'True' })
    expect(meter.message).toMatch(/pods ready|could not be read/)
    const found = await cluster.get('mc', 'demo', 'ready')
    expect(found?.status?.components).toMatchObject({
      turn: { desired: 1, ready: 1 },
      redis: { desired: 1, ready: 1 },
      meter: { desired: 1, ready: 1 },
    })
    expect(await cluster.kubectl('get', 'mc', 'demo', '-n', 'ready')).toMatch(/demo +True/)
    await eventually(async () => expect(await events('ready')).toEqual(['Normal Ready']))

    await cluster.kubectl(
      ...['delete', 'pods', '-n', 'ready', '--grace-period=0', '--force'],
      ...['-l', 'app.kubernetes.io/component=webapp'],
    )
    const lost = await cluster.condition('ready', 'Ready', { status: 'False' })
    expect(lost.message).toContain('webapp: 0 of 1 pods ready')
    await eventually(async () => {
      expect(await events('ready')).toEqual(['Normal Ready', 'Warning Progressing'])
    })
  })
})

function patch(namespace: string, spec: object): Promise<void> {
  return cluster.patch('mc', 'demo', namespace, { spec })
}

/** Type and reason of all events on `demo`, oldest first. */
async function events(namespace: string): Promise<string[]> {
  const items = (await cluster.list('events.events.k8s.io', namespace)) as unknown as {
    type: string
    reason: string
    eventTime: string
    regarding: { kind: string }
  }[]
  return items
    .filter(({ regarding }) => regarding.kind === 'MeetingCluster')
    .sort((a, b) => a.eventTime.localeCompare(b.eventTime))
    .map(({ type, reason }) => `${type} ${reason}`)
}

async function uids(namespace: string, component: string): Promise<(string | undefined)[]> {
  return (await cluster.podsOf(namespace, component)).map(({ metadata }) => metadata.uid)
}
