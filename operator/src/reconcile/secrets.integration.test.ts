import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ApiClient } from '../runtime/client.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { type K8sObject, SECRETS } from '../runtime/resources.ts'
import { selfSigned, tlsData } from './testing/certificate.ts'
import { certificateCrd } from './testing/foreign-kinds.ts'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
let client: ApiClient
let history: SecretHistory
const stop = new AbortController()
const operators: TestOperator[] = []
let logs = ''

beforeAll(async () => {
  cluster = await TestCluster.start('operator-secrets')
  client = await ApiClient.connect(cluster.controlPlane.kubeconfig, createMetrics())
  history = new SecretHistory()
})

afterEach(async () => {
  await Promise.all(operators.splice(0).map(stopOperator))
})

afterAll(async () => {
  stop.abort()
  await client.close()
  await cluster.stop()
})

function startOperator(options: ConstructorParameters<typeof TestOperator>[1] = {}): TestOperator {
  const operator = new TestOperator(cluster, {
    rotationMarginMs: 1_000,
    discoveryMs: 300,
    ...options,
  })
  operators.push(operator)
  return operator
}

async function stopOperator(operator: TestOperator): Promise<void> {
  await operator.stop()
  logs += operator.logs
}

type SecretObject = K8sObject & { data?: Record<string, string> }

/** Every version that Secrets have had, as the API server told them. */
class SecretHistory {
  readonly versions: { secret: string; values: Record<string, string>; step?: string }[] = []
  readonly #waiting = new Set<() => void>()

  constructor() {
    const query = { resourceVersion: '0', timeoutSeconds: 600 }
    const events = client.watch(SECRETS, undefined, query, { signal: stop.signal })
    void (async () => {
      for await (const batch of events) for (const { object } of batch) this.#take(object)
    })()
  }

  #take({ metadata, data = {} }: SecretObject) {
    const secret = `${metadata.namespace}/${metadata.name}`
    const values = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    )
    const { step } = JSON.parse(metadata.annotations?.['parley.dev/rotation'] ?? '{}')
    this.versions.push({ secret, values, step })
    for (const look of this.#waiting) look()
  }

  /** The lists of a Secret, one after the other, once there are so many different ones. */
  async lists(secret: string, count: number): Promise<string[][]> {
    const texts = await this.#once(() => {
      const all = this.#textsOf(secret)
      return all.length < count ? undefined : all
    })
    return texts.map((text) => text.trim().split('\n'))
  }

  /** Resolves once a Secret has a value like that. */
  async value(secret: string, like: (text: string) => boolean): Promise<void> {
    await this.#once(() => this.#textsOf(secret).find(like))
  }

  #textsOf(secret: string): string[] {
    return this.versions
      .filter((version) => version.secret === secret)
      .map(({ values }) => Object.values(values).join(' '))
      .filter((text, index, all) => index === 0 || text !== all[index - 1])
  }

  #once<T>(find: () => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>()
    const look = () => {
      const found = find()
      if (found === undefined) return
      this.#waiting.delete(look)
      resolve(found)
    }
    this.#waiting.add(look)
    look()
    return promise
  }
}

function demandRotation(namespace: string, value: string) {
  return cluster.annotate('mc', 'demo', namespace, { 'parley.dev/rotate': value })
}

interface EventObject {
  reason: string
  note?: string
}

async function events(namespace: string): Promise<EventObject[]> {
  return (await cluster.list('events.events.k8s.io', namespace)) as unknown as EventObject[]
}

function secret(namespace: string, name: string, data: Record<string, string>, type = 'Opaque') {
  const base64 = Object.entries(data).map(([key, value]) => [
    key,
    type === 'Opaque' ? Buffer.from(value).toString('base64') : value,
  ])
  return cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type,
    data: Object.fromEntries(base64),
  })
}

const tlsSecret = (namespace: string, name: string, names: string[]) =>
  secret(namespace, name, tlsData(selfSigned(names)), 'kubernetes.io/tls')

async function templateOf(namespace: string, component: string) {
  const deployment = await cluster.get('deploy', `demo-${component}`, namespace)
  const annotations = deployment?.spec.template.metadata.annotations as Record<string, string>
  return { checksum: annotations['parley.dev/config-checksum'], annotations }
}

const brief = { turn: { credentials: { ttl: '1s', rotation: '720h' } } }

describe('rotation on a real control plane', () => {
  it('REQ-K3: on demand: the new secret is accepted first, then used, then alone; events say so, pods are told', async () => {
    startOperator()
    await cluster.meetingCluster('demand', brief)
    const [[old]] = (await history.lists('demand/demo-turn-secret', 1)) as [[string]]
    await eventually(async () => expect(await cluster.podsOf('demand', 'turn')).not.toHaveLength(0))
    await demandRotation('demand', 'today')
    const lists = await history.lists('demand/demo-turn-secret', 4)
    const fresh = lists.at(-1)?.[0] ?? ''
    expect(fresh).not.toBe(old)
    expect(lists).toEqual([[old], [old, fresh], [fresh, old], [fresh]])
    const joinKeys = await history.lists('demand/demo-join-key', 3)
    expect(joinKeys[2]).toEqual([joinKeys[1]?.[1], joinKeys[0]?.[0]])
    await eventually(async () => {
      const said = (await events('demand')).filter(({ note }) => note?.includes('TURN secret'))
      expect(said.map(({ reason }) => reason).sort()).toEqual([
        'SecretRetired',
        'SecretRotated',
        'SecretRotationStarted',
      ])
      const [pod] = await cluster.podsOf('demand', 'turn')
      expect(pod?.metadata.annotations?.['parley.dev/secret-seen']).toMatch(
        /^demo-turn-secret\/\d+$/,
      )
      // No pod of TURN is rolled for it.
      expect(await cluster.podsOf('demand', 'turn')).toHaveLength(1)
    })
  })

  it('REQ-K3: on schedule, and an operator that was away goes on where the other one stopped', async () => {
    const first = startOperator()
    const credentials = { ttl: '1s', rotation: '2s' }
    await cluster.meetingCluster('schedule', { turn: { credentials } })
    await history.lists('schedule/demo-turn-secret', 2)
    operators.splice(operators.indexOf(first), 1)
    await stopOperator(first)
    startOperator()
    const lists = await history.lists('schedule/demo-turn-secret', 7)
    for (const [index, list] of lists.entries()) {
      const before = lists[index - 1] ?? list
      // What is used now was accepted before, and what was used before is accepted still.
      expect(before).toContain(list[0])
      if (list[0] !== before[0]) expect(list).toContain(before[0])
    }
    expect(new Set(lists.map(([used]) => used)).size).toBeGreaterThan(2)
    // It would go on for ever.
    await cluster.delete('mc', 'demo', 'schedule')
  })

  it('REQ-K3: LiveKit pods are started again for a new key before it is used; signaling is not', async () => {
    startOperator()
    const spec = { ...brief, sfu: { engine: 'LiveKit', replicas: 1 } }
    await cluster.meetingCluster('livekit', spec)
    await eventually(async () => expect(await cluster.podsOf('livekit', 'sfu')).toHaveLength(1))
    const before = (await cluster.podsOf('livekit', 'sfu'))[0]?.metadata.uid
    await demandRotation('livekit', 'today')
    const lists = await history.lists('livekit/demo-livekit-keys', 3)
    const [[old]] = lists as [[string]]
    const fresh = lists[1]?.[1]
    expect(lists.slice(1, 3)).toEqual([
      [old, fresh],
      [fresh, old],
    ])
    // By the time of the last list only the new pod is there.
    const pods = await cluster.podsOf('livekit', 'sfu')
    expect(pods.map(({ metadata }) => metadata.uid)).not.toContain(before)
    for (const { metadata } of pods)
      expect(Number(metadata.annotations?.['parley.dev/keys-generation'])).toBeGreaterThan(0)
  })

  it('a list that somebody has written is kept, all of it, and used', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('byhand')
    await history.lists('byhand/demo-turn-secret', 1)
    await operator.quiet()
    const secrets = Buffer.from('mine-first\nmine-second\n').toString('base64')
    await cluster.patch('secret', 'demo-turn-secret', 'byhand', { data: { secrets } })
    await eventually(async () => {
      const found = await cluster.get<TestObject>('secret', 'demo-turn-secret', 'byhand')
      expect(found?.data?.secrets).toBe(secrets)
      expect(found?.metadata.annotations?.['parley.dev/rotation']).toContain('Retiring')
    })
  })

  it('a password of Redis that somebody has changed rolls the pods that have it, once', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('password')
    await eventually(async () => await templateOf('password', 'turn'))
    await operator.quiet()
    const before = await templateOf('password', 'turn')
    const password = Buffer.from('by-hand').toString('base64')
    await cluster.patch('secret', 'demo-redis-auth', 'password', { data: { password } })
    await eventually(async () => {
      const found = await cluster.get<TestObject>('secret', 'demo-redis-auth', 'password')
      const url = Buffer.from(found?.data?.url ?? '', 'base64').toString()
      expect(url).toContain(':by-hand@')
      expect((await templateOf('password', 'turn')).checksum).not.toBe(before.checksum)
    })
    const versions = async () => {
      await operator.quiet()
      const { checksum } = await templateOf('password', 'turn')
      const found = await cluster.get('secret', 'demo-redis-auth', 'password')
      return [checksum, found?.metadata.resourceVersion]
    }
    const after = await versions()
    await cluster.annotate('mc', 'demo', 'password', { 'example.com/touched': '1' })
    expect(await versions()).toEqual(after)
  })
})

describe('Secrets of others', () => {
  const external = (secretName: string) => ({
    redis: { mode: 'External', external: { secretName } },
  })

  it('REQ-K1: an external Redis: missing, then there, then changed; pods roll for what it holds only', async () => {
    startOperator()
    await cluster.meetingCluster('redis', external('mine'))
    const { message } = await cluster.condition('redis', 'Stalled', {
      status: 'True',
      reason: 'MissingReference',
    })
    expect(message).toBe(
      'spec.redis.external.secretName: there is no Secret mine; create it with the key url',
    )
    await secret('redis', 'mine', { wrong: 'x' })
    await eventually(async () => {
      const said = await cluster.condition('redis', 'Stalled', { status: 'True' })
      expect(said.message).toContain('Secret mine has no key url; add it')
    })
    await secret('redis', 'mine', { url: 'redis://:leaky-password@redis.example.com:6379/0' })
    await cluster.condition('redis', 'Stalled', { status: 'False' })
    await eventually(async () => await templateOf('redis', 'turn'))
    const { checksum } = await templateOf('redis', 'turn')
    const source = async () =>
      (await cluster.get('secret', 'demo-redis-auth', 'redis'))?.metadata.annotations?.[
        'parley.dev/source'
      ]
    const before = await source()
    await cluster.kubectl('label', 'secret', 'mine', '-n', 'redis', 'colour=blue')
    await eventually(async () => expect(await source()).not.toBe(before))
    expect((await templateOf('redis', 'turn')).checksum).toBe(checksum)
    const began = Date.now()
    await secret('redis', 'mine', { url: 'redis://:other-password@redis.example.com:6379/0' })
    await history.value('redis/demo-redis-auth', (text) => text.includes('other-password'))
    // Of its own accord it would look again after a minute.
    expect(Date.now() - began).toBeLessThan(40_000)
    await eventually(async () => {
      expect((await templateOf('redis', 'turn')).checksum).not.toBe(checksum)
    })
  })

  it('REQ-K3, REQ-S4: a certificate: missing, wrong, right; each said, TURN is there all the time; its end is a metric', async () => {
    const operator = startOperator()
    const endsInDays = async () => {
      const name = 'parley_certificate_expiry_timestamp_seconds'
      const at = await operator.metric(name, /namespace="tls",cluster="demo",secret="cert"/)
      return (at - Date.now() / 1000) / 86_400
    }
    await cluster.meetingCluster('tls', { turn: { tls: { secretName: 'cert' } } })
    const missing = await cluster.condition('tls', 'Stalled', { reason: 'MissingReference' })
    expect(missing.message).toBe(
      'spec.turn.tls.secretName: there is no Secret cert; create it with the keys tls.crt and tls.key',
    )
    await eventually(async () => await templateOf('tls', 'turn'))
    await tlsSecret('tls', 'cert', ['elsewhere.example.com'])
    const wrong = await cluster.condition('tls', 'Stalled', { reason: 'TLSInvalid' })
    expect(wrong.message).toContain('not for meet.example.com, but for elsewhere.example.com')
    await cluster.delete('secret', 'cert', 'tls')
    await cluster.condition('tls', 'Stalled', { reason: 'MissingReference' })
    // None: long ago.
    expect(await endsInDays()).toBeLessThan(0)
    await tlsSecret('tls', 'cert', ['meet.example.com'])
    await cluster.condition('tls', 'Stalled', { status: 'False' })
    expect(await endsInDays()).toBeCloseTo(30, 1)
  })

  it('REQ-K3: cert-manager that is installed later is asked for the certificate, without a restart', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('issuer', { turn: { tls: { issuerRef: { name: 'ca' } } } })
    const without = await cluster.condition('issuer', 'Stalled', { reason: 'MissingReference' })
    expect(without.message).toContain('install cert-manager')
    await cluster.apply(certificateCrd)
    await eventually(async () => {
      const made = await cluster.get('certificate', 'demo-turn-tls', 'issuer')
      expect(made?.spec).toMatchObject({
        secretName: 'demo-turn-tls',
        dnsNames: ['meet.example.com'],
        issuerRef: { name: 'ca', kind: 'Issuer', group: 'cert-manager.io' },
      })
    })
    await cluster.condition('issuer', 'Stalled', { status: 'False' })
    const waits = await cluster.condition('issuer', 'Ready', { reason: 'MissingReference' })
    expect(waits.message).toContain('cert-manager has not made Secret demo-turn-tls yet')
    await tlsSecret('issuer', 'demo-turn-tls', ['meet.example.com'])
    await eventually(async () => {
      const ready = await cluster.condition('issuer', 'Ready', { status: 'False' })
      expect(ready.message).not.toContain('cert-manager')
    })
    const said = operator.logs
      .split('\n')
      .filter((line) => /"level":30.*"kind":"Certificate"/.test(line))
    expect(said).toHaveLength(2)
  })
})

/** Made of all that the tests above did: the last one. */
describe('what was secret in all of this', () => {
  it('REQ-K3: is in no log, event, status, annotation, argument or template, nor is a hash of it', async () => {
    const kinds =
      'mc,sa,cm,secret,svc,deploy,rs,sts,pods,hpa,pdb,netpol,certificates,events.events.k8s.io'
    const text = await cluster.kubectl('get', kinds, '-A', '-o', 'json', '--show-managed-fields')
    const { items } = JSON.parse(text) as { items: { kind: string; data?: unknown }[] }
    const seen = [logs, ...items.map((item) => JSON.stringify(withoutSecretData(item)))].join('\n')
    const secrets = history.versions
      .filter(({ secret }) =>
        /^(demand|schedule|livekit|byhand|password|redis|tls|issuer)\//.test(secret),
      )
      .flatMap(({ values }) => Object.entries(values))
      .filter(([key]) => !['host', 'port', 'tls.crt', 'wrong'].includes(key))
      .flatMap(([, value]) => [value, ...value.split('\n')].filter((part) => part.length > 4))
    const values = [...new Set(secrets)]
    expect(values.length).toBeGreaterThan(40)
    expect(values.flatMap(formsOf).filter((form) => seen.includes(form))).toEqual([])
    // The net has no hole where the fish is: what is no secret is found in it.
    expect(seen).toContain('SecretRotated')
    expect(seen).toContain('demo-turn-secret')
  })
})

function withoutSecretData(item: { kind: string; data?: unknown }) {
  if (item.kind !== 'Secret') return item
  const { data: _, ...others } = item
  return others
}

/** As it is, as Kubernetes writes it, and what a hash of it would begin with. */
function formsOf(value: string): string[] {
  const hashes = ['sha1', 'sha256', 'md5'].flatMap((name) =>
    (['hex', 'base64url'] as const).map((encoding) =>
      createHash(name).update(value).digest(encoding).slice(0, 12),
    ),
  )
  return [value, Buffer.from(value).toString('base64').replace(/=+$/, ''), ...hashes]
}
