import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { storageClass } from './testing/foreign-kinds.ts'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
const operators: TestOperator[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('operator-reconcile')
})

afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.stop()))
})

afterAll(() => cluster.stop())

function startOperator(options: ConstructorParameters<typeof TestOperator>[1] = {}): TestOperator {
  const operator = new TestOperator(cluster, options)
  operators.push(operator)
  return operator
}

async function stopOperator(operator: TestOperator): Promise<void> {
  operators.splice(operators.indexOf(operator), 1)
  await operator.stop()
}

const EXPECTED = [
  'ConfigMap/demo-turn-config',
  'Deployment/demo-meter',
  'Deployment/demo-turn',
  'Deployment/demo-webapp',
  'HorizontalPodAutoscaler/demo-turn',
  'NetworkPolicy/demo-redis',
  'PodDisruptionBudget/demo-turn',
  'Secret/demo-join-key',
  'Secret/demo-meter-token',
  'Secret/demo-redis-auth',
  'Secret/demo-turn-secret',
  'Service/demo-signaling',
  'ServiceAccount/demo-turn',
  'StatefulSet/demo-redis',
]

/** Makes `demo` look at by the operator, with no change of what is wanted. */
function touch(namespace: string, value: string) {
  return cluster.annotate('mc', 'demo', namespace, { 'example.com/touched': value })
}

function patch(kind: string, name: string, namespace: string, body: object) {
  return cluster.patch(kind, name, namespace, body)
}

/** What is another one after a write of ours, and not after one of Kubernetes' own controllers. */
function versions(children: Map<string, TestObject>): Record<string, unknown> {
  return Object.fromEntries(
    [...children].map(([key, { kind, metadata, spec }]) => {
      const { uid, generation, resourceVersion } = metadata
      // Autoscalers count nothing, and their controller writes what it sees into their status.
      const version = kind === 'HorizontalPodAutoscaler' ? spec : (generation ?? resourceVersion)
      return [key, { uid, version }]
    }),
  )
}

/** Everything that is there once the first passes are over. */
async function deployed(namespace: string, operator: TestOperator) {
  await eventually(async () => {
    expect([...(await cluster.children(namespace)).keys()]).toEqual(
      expect.arrayContaining(EXPECTED),
    )
  })
  await operator.quiet()
  return cluster.children(namespace)
}

/** What every hand can do to children; each breaks what is wanted. */
const EDITS: [string, (namespace: string) => Promise<unknown>][] = [
  [
    'a ConfigMap changed',
    (ns) => patch('cm', 'demo-turn-config', ns, { data: { 'addresses.json': '{}x' } }),
  ],
  [
    'a key of a ConfigMap removed',
    (ns) => patch('cm', 'demo-turn-config', ns, { data: { 'denied-peers': null } }),
  ],
  [
    'a Service sent elsewhere',
    (ns) =>
      patch('svc', 'demo-meter', ns, { spec: { selector: { 'app.kubernetes.io/name': 'x' } } }),
  ],
  [
    'an image changed',
    (ns) => cluster.kubectl('set', 'image', 'deploy/demo-meter', '*=evil:1', '-n', ns),
  ],
  [
    'a network policy opened',
    (ns) => patch('netpol', 'demo-redis', ns, { spec: { ingress: [{}] } }),
  ],
  [
    'a label taken away',
    (ns) => cluster.kubectl('label', 'sa', 'demo-turn', '-n', ns, 'app.kubernetes.io/managed-by-'),
  ],
  [
    'the owner taken away',
    (ns) => patch('pdb', 'demo-turn', ns, { metadata: { ownerReferences: null } }),
  ],
]

describe('MeetingCluster reconciler on a real control plane', () => {
  it('REQ-K1: makes every child, owned by the MeetingCluster', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('fresh')
    const children = await deployed('fresh', operator)
    const owner = await cluster.get('mc', 'demo', 'fresh')
    for (const [key, { metadata }] of children) {
      expect([key, metadata.ownerReferences]).toEqual([
        key,
        [
          expect.objectContaining({
            kind: 'MeetingCluster',
            uid: owner?.metadata.uid,
            controller: true,
          }),
        ],
      ])
    }
    // Signaling waits until there is a TURN server to tell of.
    expect(children.has('Deployment/demo-signaling')).toBe(false)
    expect(owner?.status?.observedGeneration).toBe(1)
    await cluster.condition('fresh', 'SignalingReady', {
      status: 'False',
      reason: 'WaitingForDependency',
    })
    await cluster.condition('fresh', 'SfuReady', { status: 'True', reason: 'Disabled' })
    await cluster.condition('fresh', 'Ready', { status: 'False' })
    await cluster.condition('fresh', 'Reconciling', { status: 'True' })
    await cluster.condition('fresh', 'Stalled', { status: 'False' })
  })

  it('REQ-K1: writes nothing when nothing has changed, nor after a restart', async () => {
    const first = startOperator()
    await cluster.meetingCluster('still')
    await deployed('still', first)
    await cluster.counted('still')
    const before = versions(await deployed('still', first))
    const status = await cluster.get('mc', 'demo', 'still')

    const [writes, passes] = [await first.writes(), await first.reconciles()]
    await touch('still', 'once')
    await eventually(async () => expect(await first.reconciles()).toBeGreaterThan(passes))
    await first.quiet()
    expect(await first.writes()).toBe(writes)

    await stopOperator(first)
    const second = startOperator()
    await second.quiet()
    expect(second.logs).not.toContain('"applied"')
    expect(versions(await cluster.children('still'))).toEqual(before)
    expect((await cluster.get('mc', 'demo', 'still'))?.status).toEqual(status?.status)
  })

  it('REQ-K1: brings back a child that was deleted', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('deleted')
    const before = await deployed('deleted', operator)
    await cluster.delete('svc', 'demo-meter', 'deleted')
    await cluster.delete('netpol', 'demo-redis', 'deleted')
    await eventually(async () => {
      const now = await cluster.children('deleted')
      for (const key of ['Service/demo-meter', 'NetworkPolicy/demo-redis']) {
        expect(now.get(key)?.metadata.uid).toBeDefined()
        expect(now.get(key)?.metadata.uid).not.toBe(before.get(key)?.metadata.uid)
      }
    })
  })

  it('REQ-K1: rolls the pods that hold the password of a Secret that was deleted', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('newsecret')
    const before = await deployed('newsecret', operator)
    const annotations = (children: Map<string, TestObject>, key: string) =>
      children.get(key)?.spec.template.metadata.annotations
    const holders = [
      'StatefulSet/demo-redis',
      ...['turn', 'signaling', 'meter'].map((component) => `Deployment/demo-${component}`),
    ].filter((key) => before.has(key))
    expect(holders.length).toBeGreaterThan(2)
    // Made in one go: nothing was rolled because its Secret came later.
    for (const key of holders) expect(before.get(key)?.metadata.generation).toBe(1)
    await cluster.delete('secret', 'demo-redis-auth', 'newsecret')
    await eventually(async () => {
      const now = await cluster.children('newsecret')
      for (const key of holders) {
        expect(annotations(now, key)).not.toEqual(annotations(before, key))
        expect(now.get(key)?.metadata.generation).toBe(2)
      }
    })
    await operator.quiet()
    const now = await cluster.children('newsecret')
    for (const key of holders) expect(now.get(key)?.metadata.generation).toBe(2)
  })

  it.each(EDITS)('REQ-K1: repairs %s by hand', async (_, edit) => {
    const operator = startOperator()
    await cluster.meetingCluster('edited')
    const before = wishes(await deployed('edited', operator))
    await edit('edited')
    await eventually(async () => expect(wishes(await cluster.children('edited'))).toEqual(before))
  })

  it('REQ-K1: repairs what was changed by hand while no operator ran', async () => {
    const first = startOperator()
    await cluster.meetingCluster('away')
    const before = wishes(await deployed('away', first))
    await stopOperator(first)
    for (const [, edit] of EDITS) await edit('away')
    startOperator()
    await eventually(async () => expect(wishes(await cluster.children('away'))).toEqual(before))
  })

  it('REQ-K1: what was found at rest costs the next operator no write, not even a dry run; what was changed meanwhile is repaired', async () => {
    // Its Lease and what it remembers are in that namespace, too.
    const options = { namespace: 'resting', build: 'one' }
    const remembered = () => cluster.get('cm', 'parley-manager-remembered', 'resting')
    const first = startOperator(options)
    await cluster.meetingCluster('resting')
    await deployed('resting', first)
    await cluster.counted('resting')
    await first.quiet()
    await stopOperator(first)
    const before = await cluster.children('resting')
    const stored = await remembered()
    expect(stored?.data?.states).toMatch(/^[\w-]{16}$/)

    const second = startOperator(options)
    await second.quiet()
    expect(await second.writes()).toBe(0)
    await stopOperator(second)
    expect(versions(await cluster.children('resting'))).toEqual(versions(before))
    expect((await remembered())?.metadata.resourceVersion).toBe(stored?.metadata.resourceVersion)

    for (const [, edit] of EDITS) await edit('resting')
    const third = startOperator(options)
    await eventually(async () =>
      expect(wishes(await cluster.children('resting'))).toEqual(wishes(before)),
    )
    await third.quiet()
    await stopOperator(third)

    // As by one that was killed, or by anybody.
    await cluster.patch('cm', 'parley-manager-remembered', 'resting', { data: { states: 'x' } })
    const fourth = startOperator(options)
    await fourth.quiet()
    expect(fourth.logs).not.toContain('"applied"')
    expect(await fourth.writes()).toBeGreaterThan(0)
    expect(fourth.logs.match(/none of ours/g)).toHaveLength(1)
    expect(wishes(await cluster.children('resting'))).toEqual(wishes(before))
    await stopOperator(fourth)

    // Whoever looks at everything again compares it, by dry runs.
    const fifth = startOperator({ ...options, resyncMs: 1_000 })
    await eventually(async () => expect(await fifth.writes()).toBeGreaterThan(0))
    expect(fifth.logs).not.toContain('"applied"')
  })

  it('leaves alone what others have set beside it', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('shared')
    await deployed('shared', operator)
    await cluster.annotate('svc', 'demo-webapp', 'shared', { 'example.com/mine': '1' })
    await patch('mc', 'demo', 'shared', { spec: { turn: { listenPort: 3479 } } })
    await eventually(async () => {
      const service = await cluster.get('svc', 'demo-turn', 'shared')
      expect(service?.spec.ports[0].port).toBe(3479)
    })
    const service = await cluster.get('svc', 'demo-webapp', 'shared')
    expect(service?.metadata.annotations).toMatchObject({ 'example.com/mine': '1' })
  })

  it('REQ-K1: deletes what is no longer asked for', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('pruned')
    await deployed('pruned', operator)
    await patch('mc', 'demo', 'pruned', { spec: { webapp: { enabled: false } } })
    await eventually(async () => {
      const names = [...(await cluster.children('pruned')).keys()]
      expect(names.filter((name) => name.endsWith('demo-webapp'))).toEqual([])
      expect(names).toContain('Deployment/demo-meter')
    })
  })

  it('REQ-K1: never takes over an object that is somebody else’s, and says so', async () => {
    const theirs = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'demo-turn-config', namespace: 'foreign' },
      data: { mine: 'yes' },
    }
    await cluster.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foreign' } },
      theirs,
    )
    startOperator()
    await cluster.meetingCluster('foreign')
    const stalled = await cluster.condition('foreign', 'Stalled', {
      status: 'True',
      reason: 'NameConflict',
    })
    expect(stalled.message).toContain('ConfigMap demo-turn-config')
    const found = await cluster.get('cm', 'demo-turn-config', 'foreign')
    expect(found?.data).toEqual({ mine: 'yes' })
    expect(found?.metadata.ownerReferences).toBeUndefined()
    // The rest is made all the same.
    expect((await cluster.children('foreign')).has('Deployment/demo-turn')).toBe(true)

    await cluster.delete('cm', 'demo-turn-config', 'foreign')
    await touch('foreign', 'gone')
    await cluster.condition('foreign', 'Stalled', { status: 'False' })
  })

  it('REQ-K3: generates secrets once, keeps what people put there, and shows none', async () => {
    const first = startOperator()
    await cluster.meetingCluster('secrets')
    const before = secretsOf(await deployed('secrets', first))
    await stopOperator(first)
    const second = startOperator()
    await second.quiet()
    expect(secretsOf(await cluster.children('secrets'))).toEqual(before)

    // A rotation by hand is kept; a key that is lost is made anew.
    const rotated = Buffer.from('rotated-by-hand\n').toString('base64')
    await patch('secret', 'demo-turn-secret', 'secrets', { data: { secrets: rotated } })
    await patch('secret', 'demo-join-key', 'secrets', { data: { key: null } })
    await eventually(async () => {
      const now = await cluster.children('secrets')
      expect(now.get('Secret/demo-turn-secret')?.data?.secrets).toBe(rotated)
      expect(now.get('Secret/demo-join-key')?.data?.key).toMatch(/.{40,}/)
    })

    const seen = [
      first.logs,
      second.logs,
      await cluster.kubectl('get', 'mc,events,deploy,sts,cm,pods', '-n', 'secrets', '-o', 'json'),
    ].join('\n')
    const secrets = [...before, ...secretsOf(await cluster.children('secrets'))]
    for (const value of secrets) expect(seen).not.toContain(value)
    expect(secrets.length).toBeGreaterThan(8)
  })

  it('REQ-K1: says that an SFU engine is not available instead of deploying half of it', async () => {
    startOperator()
    await cluster.meetingCluster('engine', { sfu: { engine: 'Mediasoup' } })
    const condition = await cluster.condition('engine', 'SfuReady', {
      status: 'False',
      reason: 'EngineNotAvailable',
    })
    expect(condition.message).toContain('spec.sfu.engine')
    await cluster.condition('engine', 'Stalled', { status: 'True', reason: 'EngineNotAvailable' })
    await cluster.condition('engine', 'Ready', { status: 'False' })
    expect([...(await cluster.children('engine')).keys()].join()).not.toContain('sfu')
  })

  it('does nothing while it is paused, and says so', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('paused')
    await deployed('paused', operator)
    await cluster.annotate('mc', 'demo', 'paused', { 'parley.dev/paused': 'true' })
    await cluster.condition('paused', 'Reconciling', { status: 'False', reason: 'Paused' })
    await cluster.delete('svc', 'demo-meter', 'paused')
    await patch('mc', 'demo', 'paused', { spec: { webapp: { enabled: false } } })
    await operator.quiet()
    const names = [...(await cluster.children('paused')).keys()]
    expect(names).not.toContain('Service/demo-meter')
    expect(names).toContain('Deployment/demo-webapp')
    await cluster.annotate('mc', 'demo', 'paused', { 'parley.dev/paused': null })
    await eventually(async () => {
      const now = [...(await cluster.children('paused')).keys()]
      expect(now).toContain('Service/demo-meter')
      expect(now).not.toContain('Deployment/demo-webapp')
    })
  })

  it('REQ-K1: takes everything along when it is deleted', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('ended')
    await deployed('ended', operator)
    await cluster.delete('mc', 'demo', 'ended')
    await eventually(async () => {
      expect([...(await cluster.children('ended')).keys()]).toEqual([])
    })
  })

  it('REQ-K5: keeps the volume of the store alone, which another one of its name takes up again, unless it is to go', async () => {
    // From here on there is storage: nothing comes after this.
    await cluster.apply(storageClass)
    const operator = startOperator()
    await cluster.meetingCluster('kept')
    const before = (await deployed('kept', operator)).get('PersistentVolumeClaim/demo-meter-store')
    expect(before?.metadata.ownerReferences).toBeUndefined()
    const claims = async () =>
      (await cluster.list('pvc', 'kept')).map(({ metadata }) => [metadata.name, metadata.uid])
    expect((await claims()).map(([name]) => name)).toContain('demo-redis-data')
    await cluster.delete('mc', 'demo', 'kept')
    await eventually(async () => {
      const left = [...(await cluster.children('kept')).keys()]
      expect(left).toEqual(['PersistentVolumeClaim/demo-meter-store'])
    })

    await cluster.meetingCluster('kept', { store: { deletionPolicy: 'Delete' } })
    await deployed('kept', operator)
    expect(await claims()).toContainEqual(['demo-meter-store', before?.metadata.uid])
    await cluster.condition('kept', 'Stalled', { status: 'False' })
    await cluster.delete('mc', 'demo', 'kept')
    await eventually(async () => {
      expect([...(await cluster.children('kept')).keys()]).toEqual([])
    })
  })
})

/** What is asked for, without what Kubernetes adds and counts. Replicas are the autoscaler's. */
function wishes(children: Map<string, TestObject>): Record<string, unknown> {
  return Object.fromEntries(
    [...children].map(([key, { metadata, spec, data }]) => [
      key,
      {
        labels: metadata.labels,
        hash: metadata.annotations?.['parley.dev/hash'],
        owner: metadata.ownerReferences,
        spec: { ...spec, replicas: undefined },
        data,
      },
    ]),
  )
}

/** Every value of every Secret, as it is and as it is stored; short ones (host, port) are none. */
function secretsOf(children: Map<string, TestObject>): string[] {
  return [...children.values()]
    .filter(({ kind }) => kind === 'Secret')
    .flatMap(({ data = {} }) =>
      Object.values(data).flatMap((value) => [
        value,
        Buffer.from(value, 'base64').toString().trim(),
      ]),
    )
    .filter((value) => value.length > 20 && !/\.svc/.test(value))
    .filter((value) => !Buffer.from(value, 'base64').toString().includes('.svc'))
}
