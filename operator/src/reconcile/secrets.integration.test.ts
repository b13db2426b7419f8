import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ApiClient } from '../runtime/client.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { type K8sObject, SECRETS } from '../runtime/resources.ts'
import { eventually, TestCluster, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(120_000)

let cluster: TestCluster
let client: ApiClient
const stop = new AbortController()
const operators: TestOperator[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('operator-rotation')
  client = await ApiClient.connect(cluster.controlPlane.kubeconfig, createMetrics())
})

afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.stop()))
})

afterAll(async () => {
  stop.abort()
  await client.close()
  await cluster.stop()
})

function startOperator(rotationMarginMs = 1_000): TestOperator {
  const operator = new TestOperator(cluster, { rotationMarginMs })
  operators.push(operator)
  return operator
}

/** Every version that the Secrets of a namespace have had, as the API server told them. */
class SecretHistory {
  readonly #versions: { name: string; entries: string[]; step: string; generation: number }[] = []
  readonly #waiting = new Set<() => void>()

  constructor(namespace: string) {
    const query = { resourceVersion: '0', timeoutSeconds: 600 }
    const events = client.watch(SECRETS, namespace, query, { signal: stop.signal })
    void (async () => {
      for await (const batch of events) for (const { object } of batch) this.#take(object)
    })()
  }

  #take({ metadata, data }: K8sObject & { data?: Record<string, string> }) {
    const [value = ''] = Object.values(data ?? {})
    const { step, generation } = JSON.parse(metadata.annotations?.['parley.dev/rotation'] ?? '{}')
    const entries = Buffer.from(value, 'base64').toString().trim().split('\n')
    this.#versions.push({ name: metadata.name, entries, step, generation })
    for (const look of this.#waiting) look()
  }

  /** The lists of a Secret, one after the other, once there are so many different ones. */
  lists(name: string, count: number): Promise<string[][]> {
    const { promise, resolve } = Promise.withResolvers<string[][]>()
    const look = () => {
      const lists = this.#versions
        .filter((version) => version.name === name)
        .map(({ entries }) => entries)
        .filter((list, index, all) => index === 0 || `${list}` !== `${all[index - 1]}`)
      if (lists.length < count) return
      this.#waiting.delete(look)
      resolve(lists)
    }
    this.#waiting.add(look)
    look()
    return promise
  }
}

function annotate(namespace: string, kind: string, name: string, ...annotations: string[]) {
  return cluster.kubectl('annotate', kind, name, '-n', namespace, '--overwrite', ...annotations)
}

async function reasons(namespace: string): Promise<string[]> {
  const text = await cluster.kubectl('get', 'events.events.k8s.io', '-n', namespace, '-o', 'json')
  const { items } = JSON.parse(text) as { items: { reason: string; note: string }[] }
  return items.filter(({ note }) => note?.includes('TURN secret')).map(({ reason }) => reason)
}

const brief = { turn: { credentials: { ttl: '1s', rotation: '720h' } } }

describe('rotation on a real control plane', () => {
  it('REQ-K3: on demand: the new secret is accepted first, then used, then alone; events say so', async () => {
    startOperator()
    await cluster.meetingCluster('demand', brief)
    const history = new SecretHistory('demand')
    const [[old]] = (await history.lists('demo-turn-secret', 1)) as [[string]]
    await annotate('demand', 'mc', 'demo', 'parley.dev/rotate=today')
    const lists = await history.lists('demo-turn-secret', 4)
    const fresh = lists.at(-1)?.[0] ?? ''
    expect(fresh).not.toBe(old)
    expect(lists).toEqual([[old], [old, fresh], [fresh, old], [fresh]])
    await eventually(async () => {
      expect((await reasons('demand')).sort()).toEqual([
        'SecretRetired',
        'SecretRotated',
        'SecretRotationStarted',
      ])
    })
  })
})
