import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

const NAMESPACE = 'staged'
/** All that a MeetingCluster without an SFU has pods of. */
const ALL = ['turn', 'webapp', 'redis', 'meter', 'signaling']

let cluster: TestCluster
let operator: TestOperator

beforeAll(async () => {
  cluster = await TestCluster.start('operator-rollout')
  operator = new TestOperator(cluster)
  await cluster.node('n1', '203.0.113.1')
  await cluster.meetingCluster(NAMESPACE, { turn: { replicas: 1 } })
  for (const component of ALL) await cluster.runPods(NAMESPACE, component, 'n1')
  await cluster.condition(NAMESPACE, 'Ready', { status: 'True' })
})
afterAll(async () => {
  await operator.stop()
  await cluster.stop()
})

const change = (spec: object) => cluster.patch('mc', 'demo', NAMESPACE, { spec })

const workload = (component: string) =>
  cluster.get(component === 'redis' ? 'sts' : 'deploy', `demo-${component}`, NAMESPACE)

const podsOf = (component: string) => cluster.podsOf(NAMESPACE, component)

const imageOf = ({ spec }: TestObject) => spec.containers[0].image as string

/** The pod of a component that was made with this tag. */
function podWith(component: string, tag: string): Promise<TestObject> {
  return eventually(async () => {
    const pod = (await podsOf(component)).find((one) => imageOf(one).endsWith(`:${tag}`))
    if (!pod) throw new Error(`${component} has no pod with ${tag} yet`)
    return pod
  })
}

describe('a part of monitoring', () => {
  it('REQ-H6: that is turned off gives new pods to its own component, and that is turned on again those of before, alone', async () => {
    const others = ALL.filter((component) => component !== 'signaling')
    const uids = async (components: string[]) => {
      const pods = await Promise.all(components.map(podsOf))
      return pods.flat().map(({ metadata }) => metadata.uid)
    }
    const hashes = async () =>
      (await podsOf('signaling')).map(({ metadata }) => metadata.labels?.['pod-template-hash'])
    const [kept, [was]] = [await uids(others), await hashes()]
    for (const http of [false, true]) {
      const before = await uids(['signaling'])
      await change({ monitoring: { http } })
      const fresh = await eventually(async () => {
        const pod = (await podsOf('signaling')).find(
          ({ metadata }) => !before.includes(metadata.uid),
        )
        if (!pod) throw new Error('signaling has no new pod yet')
        return pod
      })
      const hash = fresh.metadata.labels?.['pod-template-hash']
      expect(hash === was).toBe(http)
      await cluster.runPod(fresh, 'n1')
      await cluster.condition(NAMESPACE, 'Ready', { status: 'True' })
    }
    expect(await uids(others)).toEqual(kept)
  })
})

describe('a new image', () => {
  it('REQ-K7: that does not start at one component pauses the others, which says a condition and an event', async () => {
    const before = await Promise.all(ALL.map(podsOf))
    await change({ image: { tag: 'typo' } })
    const fresh = await podWith('webapp', 'typo')
    const others = ALL.filter((component) => component !== 'webapp')
    await eventually(async () => {
      const { message } = await cluster.condition(NAMESPACE, 'TurnReady', { status: 'False' })
      expect(message).toBe(
        '1 of 1 pods ready, 0 of the newest version: waits for the rollout of webapp',
      )
    })
    await cluster.condition(NAMESPACE, 'Stalled', { status: 'False' })

    await cluster.bind(fresh.metadata.name, NAMESPACE, 'n1')
    await cluster.patchStatus('pod', fresh.metadata.name, NAMESPACE, {
      phase: 'Pending',
      containerStatuses: [
        {
          ...{ name: 'webapp', image: imageOf(fresh), imageID: '', ready: false, restartCount: 0 },
          state: { waiting: { reason: 'ImagePullBackOff' } },
        },
      ],
    })
    const stalled = await cluster.condition(NAMESPACE, 'Stalled', {
      status: 'True',
      reason: 'RolloutPaused',
    })
    expect(stalled.message).toMatch(
      /^the rollout of webapp fails \(image .*:typo cannot be pulled.*\), so redis, meter, signaling, turn keep/,
    )
    await eventually(async () => {
      const events = await cluster.kubectl('get', 'events.events.k8s.io', '-n', NAMESPACE)
      expect(events).toContain('RolloutPaused')
    })
    // Nobody of those who wait has another pod than before.
    const now = await Promise.all(ALL.map(podsOf))
    const uids = (all: TestObject[][]) =>
      others.map((component) => all[ALL.indexOf(component)]?.map(({ metadata }) => metadata.uid))
    expect(uids(now)).toEqual(uids(before))
  })

  it('REQ-K7: another operator finds it so, and has nothing to write', async () => {
    const versions = async () => {
      const found = [...(await cluster.children(NAMESPACE))].map(
        ([key, { metadata }]) => [key, metadata.resourceVersion] as const,
      )
      const own = await cluster.get('mc', 'demo', NAMESPACE)
      return [...found, ['mc', own?.metadata.resourceVersion]]
    }
    await operator.quiet()
    const before = await versions()
    await operator.stop()
    operator = new TestOperator(cluster)
    await operator.quiet()
    expect(await versions()).toEqual(before)
  })

  it('REQ-K1: what is no matter of new pods is changed at once, also where these wait', async () => {
    await change({ turn: { replicas: 2 } })
    await eventually(async () => expect(await podsOf('turn')).toHaveLength(2))
    expect((await podsOf('turn')).map(imageOf)).not.toContainEqual(expect.stringMatching(/:typo$/))
    await change({ turn: { replicas: 1 } })
    await eventually(async () => expect(await podsOf('turn')).toHaveLength(1))
  })

  it('REQ-K7: that is set back leaves all pods as they were', async () => {
    const [before] = await podsOf('turn')
    await change({ image: { tag: '' } })
    await eventually(async () => {
      for (const component of ['signaling', 'meter', 'turn'])
        expect((await workload(component))?.spec.paused).toBeUndefined()
      expect((await workload('redis'))?.spec.updateStrategy.rollingUpdate.partition).toBe(0)
    })
    await cluster.condition(NAMESPACE, 'Stalled', { status: 'False' })
    const [after] = await podsOf('turn')
    expect(after?.metadata.uid).toBe(before?.metadata.uid)
  })

  it('REQ-K7: goes on to the next component once the pods of the one before are ready', async () => {
    await cluster.condition(NAMESPACE, 'Ready', { status: 'True' })
    await change({ image: { tag: 'next' } })
    await podWith('webapp', 'next')
    await eventually(async () =>
      expect((await workload('redis'))?.spec.updateStrategy.rollingUpdate.partition).toBe(1),
    )
    await eventually(async () => {
      await cluster.runPods(NAMESPACE, 'webapp', 'n1')
      expect((await workload('redis'))?.spec.updateStrategy.rollingUpdate.partition).toBe(0)
    })
    expect((await workload('meter'))?.spec.paused).toBe(true)
  })

  it('REQ-K7: waits at a Redis that no node takes, which a condition and an event say after five minutes', async () => {
    const [turn] = await podsOf('turn')
    // There is no kubelet here that would end it.
    await cluster.kubectl('delete', 'pod', 'demo-redis-0', '-n', NAMESPACE, '--force')
    await podWith('redis', 'next')
    await hasNoNode('demo-redis-0', 5 * 60 - 2, '0/1 nodes are available: 1 Insufficient memory.')
    await eventually(async () => {
      const { message } = await cluster.condition(NAMESPACE, 'RedisReady', { status: 'False' })
      expect(message).toContain('1 Insufficient memory')
    })
    const { message } = await cluster.condition(NAMESPACE, 'Stalled', {
      status: 'True',
      reason: 'Unschedulable',
    })
    expect(message).toMatch(
      /^redis: pod demo-redis-0 has no node: 0\/1 nodes .*, so meter, signaling, turn keep the pods of before: add a node .*spec\.redis/,
    )
    await eventually(async () => {
      const events = await cluster.kubectl('get', 'events.events.k8s.io', '-n', NAMESPACE)
      expect(events).toMatch(/Warning.*Unschedulable/)
    })
    for (const component of ['meter', 'signaling', 'turn'])
      expect((await workload(component))?.spec.paused).toBe(true)
    expect((await podsOf('turn')).map(({ metadata }) => metadata.uid)).toEqual([turn?.metadata.uid])

    await cluster.runPods(NAMESPACE, 'redis', 'n1')
    await cluster.condition(NAMESPACE, 'Stalled', { status: 'False' })
    await eventually(async () => expect((await workload('meter'))?.spec.paused).toBeUndefined())
  })

  it('REQ-K7: waits at a web page whose new pod no node takes, and goes on when one does', async () => {
    await change({ image: { tag: 'roomless' } })
    const fresh = await podWith('webapp', 'roomless')
    await hasNoNode(fresh.metadata.name, 3600, '0/1 nodes are available: 1 Too many pods.')
    const { message } = await cluster.condition(NAMESPACE, 'Stalled', {
      status: 'True',
      reason: 'Unschedulable',
    })
    expect(message).toMatch(/^webapp: .* Too many pods\., so redis, .*turn keep the pods of before/)
    await eventually(async () => {
      await cluster.runPods(NAMESPACE, 'webapp', 'n1')
      expect((await workload('redis'))?.spec.updateStrategy.rollingUpdate.partition).toBe(0)
    })
    await cluster.condition(NAMESPACE, 'Stalled', { status: 'False' })
  })
})

describe('a Deployment that somebody has paused', () => {
  it('REQ-K7: is named when a change waits for it, and goes on when it is resumed', async () => {
    const namespace = 'by-hand'
    await cluster.meetingCluster(namespace, { turn: { replicas: 1 } })
    for (const component of ALL) await cluster.runPods(namespace, component, 'n1')
    await cluster.condition(namespace, 'Ready', { status: 'True' })
    await cluster.patch('deploy', 'demo-webapp', namespace, { spec: { paused: true } })
    await cluster.patch('mc', 'demo', namespace, { spec: { image: { tag: 'last' } } })
    const { message } = await cluster.condition(namespace, 'Stalled', {
      status: 'True',
      reason: 'RolloutPaused',
    })
    expect(message).toMatch(
      /^webapp: somebody has told Kubernetes .*, so redis, .*turn keep the pods .*: kubectl rollout resume/,
    )
    await cluster.patch('deploy', 'demo-webapp', namespace, { spec: { paused: null } })
    await cluster.condition(namespace, 'Stalled', { status: 'False' })
    await eventually(async () => {
      const images = (await cluster.podsOf(namespace, 'webapp')).map(imageOf)
      expect(images).toContainEqual(expect.stringMatching(/:last$/))
    })
  })
})

/** What the scheduler says of a pod, for so many seconds already. */
async function hasNoNode(pod: string, forSeconds: number, message: string): Promise<void> {
  const since = new Date(Date.now() - forSeconds * 1000).toISOString()
  await cluster.patchStatus('pod', pod, NAMESPACE, {
    conditions: [
      {
        ...{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
        lastTransitionTime: `${since.slice(0, 19)}Z`,
      },
    ],
  })
}
