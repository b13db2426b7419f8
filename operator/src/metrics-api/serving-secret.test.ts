import { expect, it, jest } from '@jest/globals'
import { Conflict, NotFound } from '../runtime/errors.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import type { K8sObject, Resource } from '../runtime/resources.ts'
import { loadServingIdentity } from './serving-secret.ts'

// Keys of RSA take their time on a busy machine.
jest.setTimeout(60_000)

/** A Secret that several replicas write at once. */
class FakeSecrets {
  object: K8sObject | undefined
  writes = 0
  /** Runs before the next write. */
  before: (() => void) | undefined

  async get<T extends K8sObject>(): Promise<T> {
    if (!this.object) throw new NotFound('NotFound', 404, call, 'none')
    return structuredClone(this.object) as T
  }
  async create<T extends K8sObject>(_: Resource, __: string | undefined, object: object) {
    return this.#write<T>(object as K8sObject, undefined)
  }
  async update<T extends K8sObject>(_: Resource, object: K8sObject) {
    return this.#write<T>(object, object.metadata.resourceVersion)
  }
  async #write<T extends K8sObject>(object: K8sObject, version: string | undefined): Promise<T> {
    const { before } = this
    this.before = undefined
    before?.()
    if (this.object?.metadata.resourceVersion !== version)
      throw new Conflict('Conflict', 409, call, 'another was faster')
    const metadata = { ...object.metadata, resourceVersion: String(++this.writes) }
    this.object = { ...structuredClone(object), metadata }
    return this.object as T
  }
}
const call = { verb: 'get', resource: 'secrets' }

const load = (client: FakeSecrets, clock = new FakeClock()) =>
  loadServingIdentity({ client, namespace: 'parley-system', dnsNames: ['a.svc'], clock })

it('the first replica makes the Secret, the others take what is in it', async () => {
  const secrets = new FakeSecrets()
  const first = await load(secrets)
  expect(secrets.object).toMatchObject({
    type: 'kubernetes.io/tls',
    metadata: { name: 'parley-metrics-api-tls', namespace: 'parley-system' },
  })
  expect(await load(secrets)).toEqual(first)
  expect(secrets.writes).toBe(1)
})

it('of two replicas that begin at once, both serve with what was written first', async () => {
  const fast = new FakeSecrets()
  const theirs = await load(fast)
  const slow = new FakeSecrets()
  slow.before = () => {
    slow.object = structuredClone(fast.object)
  }
  expect(await load(slow)).toEqual(theirs)
  expect(slow.writes).toBe(0)
})

it('what people did to the Secret besides stays when it is renewed', async () => {
  const secrets = new FakeSecrets()
  const first = await load(secrets)
  if (secrets.object) secrets.object.metadata.labels = { team: 'a' }
  const later = new FakeClock()
  await later.advance(61 * 86_400_000)
  const second = await load(secrets, later)
  expect(second.certificate).not.toBe(first.certificate)
  expect(second.caBundle).toBe(first.caBundle)
  expect(secrets.object?.metadata.labels).toEqual({ team: 'a' })
})
