import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ApiClient } from '../runtime/client.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { DEPLOYMENTS } from '../runtime/resources.ts'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
let operator: TestOperator

beforeAll(async () => {
  cluster = await TestCluster.start('operator-scaling')
  operator = new TestOperator(cluster)
  await cluster.node('edge', '203.0.113.7')
}, 120_000)
afterAll(async () => {
  await operator?.stop()
  await cluster?.stop()
})

const deployment = (namespace: string) => cluster.get('deployment', 'demo-turn', namespace)

function replicasAre(namespace: string, count: number): Promise<TestObject | undefined> {
  return eventually(async () => {
    const found = await deployment(namespace)
    expect(found?.spec.replicas).toBe(count)
    return found
  })
}

function patchTurn(namespace: string, turn: object): Promise<void> {
  return cluster.patch('mc', 'demo', namespace, { spec: { turn } })
}

/** Who says how many pods there are. */
function ownersOfReplicas(object: TestObject | undefined): (string | undefined)[] {
  return (object?.metadata.managedFields ?? []).flatMap(({ manager, fieldsV1 }) =>
    JSON.stringify(fieldsV1).includes('"f:replicas"') ? [manager] : [],
  )
}

describe('the number of TURN pods', () => {
  it('REQ-K7: stays when an autoscaler takes over from a fixed number, and is the autoscaler’s then', async () => {
    await cluster.meetingCluster('handover', { turn: { replicas: 3 } })
    await replicasAre('handover', 3)
    const counts = await watchReplicas('handover')
    await patchTurn('handover', { replicas: null, autoscaling: { minReplicas: 1, maxReplicas: 5 } })
    await eventually(async () =>
      expect(ownersOfReplicas(await deployment('handover'))).not.toContain('parley'),
    )
    expect(await cluster.get('hpa', 'demo-turn', 'handover')).toBeDefined()
    // As an autoscaler does it.
    await cluster.kubectl('scale', 'deployment', 'demo-turn', '-n', 'handover', '--replicas=4')
    await patchTurn('handover', { quotas: { maxKbpsPerSession: 9000 } })
    await eventually(async () =>
      expect(JSON.stringify((await deployment('handover'))?.spec.template)).toContain('1125000'),
    )
    await operator.quiet()
    await replicasAre('handover', 4)
    expect([...new Set(await counts())]).toEqual([3, 4])
  })

  it('is set back to a fixed number, from whatever an autoscaler made of it', async () => {
    await patchTurn('handover', { replicas: 2, autoscaling: null })
    await replicasAre('handover', 2)
    await patchTurn('handover', { replicas: null, autoscaling: { minReplicas: 1 } })
    await operator.quiet()
    await replicasAre('handover', 2)
  })

  it('is what the scale subresource is about', async () => {
    await cluster.meetingCluster('scaled')
    await cluster.kubectl('scale', 'mc/demo', '-n', 'scaled', '--replicas=2')
    await replicasAre('scaled', 2)
    await cluster.runPods('scaled', 'turn', 'edge', 2)
    const path = '/apis/parley.dev/v1alpha1/namespaces/scaled/meetingclusters/demo/scale'
    await eventually(async () =>
      expect(JSON.parse(await cluster.kubectl('get', '--raw', path))).toMatchObject({
        kind: 'Scale',
        spec: { replicas: 2 },
        status: {
          replicas: 2,
          selector:
            'app.kubernetes.io/component=turn,app.kubernetes.io/instance=demo,app.kubernetes.io/name=coturn',
        },
      }),
    )
  })

  it('cannot be scaled where the spec leaves it to an autoscaler: the answer says so', async () => {
    await cluster.meetingCluster('automatic', { turn: { autoscaling: { minReplicas: 2 } } })
    await expect(
      cluster.kubectl('scale', 'mc/demo', '-n', 'automatic', '--replicas=2'),
    ).rejects.toThrow('replicas and autoscaling exclude each other')
  })
})

/** Every number of replicas from now on; the returned function stops and tells. */
async function watchReplicas(namespace: string): Promise<() => Promise<number[]>> {
  const client = await ApiClient.connect(cluster.controlPlane.kubeconfig, createMetrics())
  const stop = new AbortController()
  const seen: number[] = []
  const watching = async () => {
    const query = { resourceVersion: '0', timeoutSeconds: 60 }
    const options = { signal: stop.signal }
    for await (const events of client.watch(DEPLOYMENTS, namespace, query, options))
      for (const { object } of events)
        if (object.metadata.name === 'demo-turn') seen.push((object as TestObject).spec.replicas)
  }
  const done = watching()
  return async () => {
    stop.abort()
    await done
    await client.close()
    return seen
  }
}
