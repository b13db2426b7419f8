import { describe, expect, it } from '@jest/globals'
import pino from 'pino'
import { Conflict, NotFound } from '../runtime/errors.ts'
import type { EventNote } from '../runtime/events.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import type { K8sObject, Resource } from '../runtime/resources.ts'
import { CUSTOM, EXTERNAL, type ServedGroup } from './groups.ts'
import { Registration } from './registration.ts'

const NAME = 'v1beta1.external.metrics.k8s.io'
const CUSTOM_NAME = 'v1beta2.custom.metrics.k8s.io'
const SERVICE = { name: 'parley-operator-metrics-api', namespace: 'parley-system' }
const call = { verb: 'get', resource: 'apiservices' }

interface Stored extends K8sObject {
  spec: { caBundle?: string; service?: object }
  status?: object
}

function setUp(groups: readonly ServedGroup[] = [EXTERNAL], owner?: string) {
  const objects = new Map<string, Stored>()
  const writes: string[] = []
  const notes: EventNote[] = []
  const clock = new FakeClock()
  const state = { conflict: false }
  const client = {
    async get<T extends K8sObject>({ kind }: Resource, _: string | undefined, name: string) {
      if (kind === 'ClusterRole') return { metadata: { name, uid: 'role-uid' } } as unknown as T
      const found = objects.get(name)
      if (!found) throw new NotFound('NotFound', 404, call, 'none')
      return structuredClone(found) as unknown as T
    },
    async apply(
      _: Resource,
      __: string | undefined,
      name: string,
      body: string,
      { force }: { force?: boolean } = {},
    ) {
      if (state.conflict) throw new Conflict('Conflict', 409, call, 'taken')
      writes.push(`apply ${name} force=${force}`)
      const object = { ...objects.get(name), ...(JSON.parse(body) as Stored) }
      objects.set(name, object)
      return object
    },
    async delete(_: Resource, __: string | undefined, name: string) {
      writes.push(`delete ${name}`)
      objects.delete(name)
    },
  }
  const registration = new Registration({
    client,
    events: { record: (_, __, note) => notes.push(note) },
    clock,
    log: pino({ level: 'silent' }),
    service: SERVICE,
    groups,
    owner,
  })
  const put = (name: string, spec: Stored['spec'], labels = {}) =>
    objects.set(name, { metadata: { name, uid: `${name}-uid`, labels }, spec })
  const available = (status: 'True' | 'False') => {
    const found = objects.get(NAME)
    if (found) found.status = { conditions: [{ type: 'Available', status, message: 'no route' }] }
  }
  return { registration, objects, writes, notes, clock, put, available, state }
}

describe('Registration', () => {
  it('registers once, and writes nothing while all is as it should be', async () => {
    const { registration, objects, writes } = setUp([EXTERNAL], 'parley-role')
    expect(await registration.ensure('PEM')).toBe(true)
    expect(registration.external).toBe(true)
    expect(objects.get(NAME)).toMatchObject({
      metadata: {
        ownerReferences: [{ kind: 'ClusterRole', name: 'parley-role', uid: 'role-uid' }],
      },
      spec: { caBundle: Buffer.from('PEM').toString('base64'), service: { ...SERVICE, port: 443 } },
    })
    expect(await registration.ensure('PEM')).toBe(false)
    expect(writes).toEqual([`apply ${NAME} force=false`])
  })

  it('tells the API server of a new authority', async () => {
    const { registration, objects, writes } = setUp()
    await registration.ensure('one')
    await registration.ensure('two')
    expect(objects.get(NAME)?.spec.caBundle).toBe(Buffer.from('two').toString('base64'))
    expect(writes.at(-1)).toBe(`apply ${NAME} force=true`)
  })

  it('follows a Service of ours that has another name, and registers again what was deleted', async () => {
    const { registration, objects, put } = setUp()
    const label = { 'app.kubernetes.io/managed-by': 'parley' }
    put(NAME, { service: { name: 'old-name', namespace: SERVICE.namespace } }, label)
    await registration.ensure('PEM')
    expect(objects.get(NAME)?.spec.service).toMatchObject(SERVICE)
    objects.delete(NAME)
    await registration.ensure('PEM')
    expect(objects.has(NAME)).toBe(true)
  })

  it.each([
    ['KEDA', { service: { name: 'keda-operator-metrics-apiserver', namespace: 'keda' } }, {}],
    [
      'another Parley',
      { service: { ...SERVICE, namespace: 'elsewhere' } },
      { 'app.kubernetes.io/managed-by': 'parley' },
    ],
    ['something in our namespace', { service: { ...SERVICE, name: 'adapter' } }, {}],
    ['the API server itself', {}, {}],
  ])('leaves an API alone that %s serves, and says so once', async (_, spec, labels) => {
    const { registration, objects, writes, notes, put } = setUp()
    put(NAME, spec, labels)
    await registration.ensure('PEM')
    await registration.ensure('PEM')
    expect(registration.external).toBe(false)
    expect(writes).toEqual([])
    expect(objects.get(NAME)?.spec).toEqual(spec)
    expect(notes).toEqual([expect.objectContaining({ reason: 'MetricsApiTaken', type: 'Warning' })])
    objects.delete(NAME)
    expect(await registration.ensure('PEM')).toBe(true)
    expect(registration.external).toBe(true)
  })

  it('does not take what somebody registers at the same moment', async () => {
    const { registration, state, objects } = setUp()
    state.conflict = true
    await registration.ensure('PEM')
    expect(registration.external).toBe(false)
    expect(objects.size).toBe(0)
  })

  it('leaves custom metrics alone where an older version of them is somebody else’s', async () => {
    const { registration, writes, put } = setUp([EXTERNAL, CUSTOM])
    put('v1beta1.custom.metrics.k8s.io', {
      service: { name: 'prometheus-adapter', namespace: 'monitoring' },
    })
    await registration.ensure('PEM')
    expect(writes).toEqual([`apply ${NAME} force=false`])
  })

  it('takes away what of ours is not served any more, and nothing of others', async () => {
    const { registration, writes, put } = setUp([EXTERNAL])
    put(CUSTOM_NAME, { service: SERVICE })
    await registration.ensure('PEM')
    expect(writes).toContain(`delete ${CUSTOM_NAME}`)
    put(CUSTOM_NAME, { service: { name: 'prometheus-adapter', namespace: 'monitoring' } })
    await registration.ensure('PEM')
    expect(writes.filter((write) => write.startsWith('delete'))).toHaveLength(1)
  })

  it('lets autoscalers go by CPU once it has been out of reach for five minutes, until it is back', async () => {
    const { registration, clock, available, notes } = setUp()
    await registration.ensure('PEM')
    available('False')
    await registration.ensure('PEM')
    await clock.advance(299_000)
    expect(await registration.ensure('PEM')).toBe(false)
    expect(registration.external).toBe(true)
    await clock.advance(1_000)
    expect(await registration.ensure('PEM')).toBe(true)
    expect(registration.external).toBe(false)
    await registration.ensure('PEM')
    expect(notes.map(({ reason }) => reason)).toEqual(['MetricsApiUnavailable'])
    available('True')
    await registration.ensure('PEM')
    expect(registration.external).toBe(true)
  })
})
