import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { kubectl } from '@parley/devcluster'
import { customResourceDefinition } from '../api/index.ts'
import type { K8sObject } from '../runtime/resources.ts'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(180_000)

/** What the previous operator made of a MeetingCluster, as it applied it, and its CRD. */
interface Recording {
  commit: string
  customResourceDefinition: object
  children: K8sObject[]
}

const recording = JSON.parse(
  readFileSync(new URL('./testing/fixtures/previous.json', import.meta.url), 'utf8'),
) as Recording

/** Pods that the upgrade rolls; each with the reason that CHANGELOG.md gives for it. */
const ROLLED = ['Deployment/demo-meter', 'Deployment/demo-signaling', 'Deployment/demo-turn']

const NAMESPACE = 'previous'

let cluster: TestCluster
let operator: TestOperator
let before: Map<string, TestObject>
let after: Map<string, TestObject>

beforeAll(async () => {
  cluster = await TestCluster.start('operator-upgrade')
  await kubectl(cluster.controlPlane, ['replace', '-f', '-'], {
    input: JSON.stringify(recording.customResourceDefinition),
  })
  await cluster.node('n1', '198.51.100.7')
  // As the previous operator had it: with the autoscalers that there are by default.
  await cluster.meetingCluster(NAMESPACE, { signaling: {}, webapp: {} })
  await applyAsPrevious()
  await applyStatusAsPrevious()
  await cluster.runPods(NAMESPACE, 'turn', 'n1')
  before = await cluster.children(NAMESPACE)

  await cluster.apply(customResourceDefinition())
  operator = new TestOperator(cluster)
  await eventually(async () => {
    const found = await cluster.get('mc', 'demo', NAMESPACE)
    expect(found?.status?.observedGeneration).toBe(found?.metadata.generation)
  })
  await operator.quiet()
  after = await cluster.children(NAMESPACE)
})

afterAll(async () => {
  await operator.stop()
  await cluster.stop()
})

async function applyAsPrevious(): Promise<void> {
  const owner = await cluster.get('mc', 'demo', NAMESPACE)
  const apply = (items: K8sObject[]) => {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    return kubectl(
      cluster.controlPlane,
      ['apply', '--server-side', '--field-manager=parley', '--force-conflicts', '-f', '-'],
      { input: list.replaceAll('OWNER_UID', owner?.metadata.uid ?? '') },
    )
  }
  const isSecret = ({ kind }: K8sObject) => kind === 'Secret'
  await apply(recording.children.filter(isSecret))
  const secrets = await cluster.children(NAMESPACE)
  await apply(
    recording.children.filter((child) => !isSecret(child)).map((child) => withUids(child, secrets)),
  )
}

/** Each of its fields had an owner of its own. What this operator does not say any more has to go. */
async function applyStatusAsPrevious(): Promise<void> {
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  const condition = { status: 'True', reason: 'Old', message: '', lastTransitionTime }
  const { apiVersion, kind } = (await cluster.get<K8sObject>('mc', 'demo', NAMESPACE)) ?? {}
  const status = {
    conditions: ['Ready', 'GoneReady'].map((type) => ({ type, ...condition })),
    components: { turn: { desired: 1, ready: 0 }, gone: { desired: 1, ready: 1 } },
  }
  await kubectl(
    cluster.controlPlane,
    ['apply', '--server-side', '--subresource=status', '--field-manager=parley', '-f', '-'],
    {
      input: JSON.stringify({
        ...{ apiVersion, kind, status },
        metadata: { name: 'demo', namespace: NAMESPACE },
      }),
    },
  )
}

/** Pods carry a checksum of the uids of their Secrets, which here are others than in the recording. */
function withUids(child: K8sObject, secrets: Map<string, TestObject>): K8sObject {
  const copy = structuredClone(child) as TestObject
  const { metadata, spec } = copy.spec?.template ?? {}
  const annotation = 'parley.dev/config-checksum'
  if (!metadata?.annotations?.[annotation]) return copy
  const uids = (spec.volumes as { secret?: { secretName: string } }[]).flatMap(
    ({ secret }) => secrets.get(`Secret/${secret?.secretName}`)?.metadata.uid ?? [],
  )
  metadata.annotations[annotation] = createHash('sha256')
    .update(['', ...uids].join('\n'))
    .digest('hex')
    .slice(0, 16)
  return copy
}

const inBoth = () =>
  [...before].flatMap(([key, old]) => {
    const present = after.get(key)
    return present ? [{ key, old, present }] : []
  })

/** Paths at which two values are not the same. */
function differences(a: unknown, b: unknown, path = ''): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return []
  const isTree = (value: unknown) => typeof value === 'object' && value !== null
  if (!isTree(a) || !isTree(b)) return [path]
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  return [...new Set([...Object.keys(x), ...Object.keys(y)])].flatMap((key) =>
    differences(x[key], y[key], `${path}.${key}`),
  )
}

describe('the upgrade from the previous operator', () => {
  it('REQ-K1: its MeetingClusters are valid, and nothing stops', async () => {
    const found = await cluster.get('mc', 'demo', NAMESPACE)
    const stalled = found?.status?.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled).toMatchObject({ status: 'False' })
    expect(operator.logs).not.toMatch(/"level":50/)
    await cluster.kubectl('label', 'mc', 'demo', '-n', NAMESPACE, 'still=valid')
  })

  it('REQ-K1: its objects are taken over as they are, none is made anew', () => {
    const kept = inBoth()
    expect(kept.length).toBeGreaterThan(25)
    for (const { key, old, present } of kept)
      expect([key, present.metadata.uid]).toEqual([key, old.metadata.uid])
    for (const key of before.keys())
      if (!after.has(key)) expect(key).toMatch(/^NetworkPolicy|^ConfigMap/)
  })

  it('REQ-K6: its status becomes ours as a whole, and what is no longer said is gone', async () => {
    const args = ['get', 'mc', 'demo', '-n', NAMESPACE, '-o', 'json', '--show-managed-fields']
    const { metadata, status } = JSON.parse(await cluster.kubectl(...args)) as TestObject
    expect(Object.keys(status?.components ?? {})).not.toContain('gone')
    expect(status?.conditions?.map(({ type }) => type)).not.toContain('GoneReady')
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False' }),
    )
    const owners = metadata.managedFields?.filter(({ subresource }) => subresource === 'status')
    expect(owners).toEqual([
      expect.objectContaining({ manager: 'parley', fieldsV1: { 'f:status': {} } }),
    ])
  })

  it('REQ-K3: its secrets are kept, so every credential that was given out stays good', () => {
    for (const { key, old, present } of inBoth()) {
      if (!key.startsWith('Secret/')) continue
      for (const [name, value] of Object.entries(old.data ?? {})) {
        expect([key, name, present.data?.[name]]).toEqual([key, name, value])
      }
    }
  })

  it('REQ-K1: fields have one owner, and those that are no longer set are gone', async () => {
    const text = await cluster.kubectl(
      ...['get', 'deploy,sts,svc,cm,secret', '-n', NAMESPACE, '-o', 'json'],
      ...['--show-managed-fields', '-l', 'app.kubernetes.io/managed-by=parley'],
    )
    const { items } = JSON.parse(text) as { items: TestObject[] }
    for (const { kind, metadata } of items) {
      const ours = metadata.managedFields?.filter(
        ({ manager, subresource }) => manager === 'parley' && !subresource,
      )
      expect([kind, metadata.name, ours?.map(({ operation }) => operation)]).toEqual([
        kind,
        metadata.name,
        ['Apply'],
      ])
    }
  })

  it('REQ-K7: selectors and volume claims stay, and only those pods are rolled that have to be', () => {
    const rolled = new Map<string, string[]>()
    for (const { key, old, present } of inBoth()) {
      if (!/^(Deployment|StatefulSet)/.test(key)) continue
      expect(present.spec.selector).toEqual(old.spec.selector)
      expect(present.spec.volumeClaimTemplates).toEqual(old.spec.volumeClaimTemplates)
      const changes = differences(old.spec.template, present.spec.template)
      if (changes.length > 0) rolled.set(key, changes)
    }
    expect(Object.fromEntries(rolled)).toEqual(
      Object.fromEntries(ROLLED.map((key) => [key, rolled.get(key)])),
    )
    const changelog = readFileSync(new URL('../../../CHANGELOG.md', import.meta.url), 'utf8')
    for (const key of rolled.keys()) expect(changelog).toContain(key.replace(/.*\/demo-/, ''))
  })

  it('REQ-K1: a second look finds nothing to do', async () => {
    const applied = () => operator.logs.split('"msg":"applied"').length
    const settled = applied()
    await cluster.annotate('mc', 'demo', NAMESPACE, { touched: 'yes' })
    await operator.quiet()
    expect(applied()).toBe(settled)
  })
})
