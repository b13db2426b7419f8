import { describe, expect, it } from '@jest/globals'
import pino from 'pino'
import { Forbidden, Unavailable } from './errors.ts'
import { FakeClock, settle } from './fake-clock.ts'
import type { Lease } from './leader.ts'
import { Resharding } from './resharding.ts'
import type { K8sObject, Resource } from './resources.ts'

const call = { verb: 'list', resource: 'leases.coordination.k8s.io' }

function setUp(count: number, leases: Record<string, string | undefined>) {
  const clock = new FakeClock()
  const stored = new Map<string, Lease>()
  let version = 0
  const put = (name: string, holderIdentity?: string) => {
    const spec = { leaseDurationSeconds: 15, ...(holderIdentity ? { holderIdentity } : {}) }
    stored.set(name, { metadata: { name, resourceVersion: String(++version) }, spec })
  }
  for (const [name, holder] of Object.entries(leases)) put(name, holder)
  const state: { failure?: Error; settled?: boolean } = {}
  const client = {
    async list() {
      if (state.failure) throw state.failure
      return { metadata: { resourceVersion: '1' }, items: [...stored.values()] as K8sObject[] }
    },
    async update<T extends K8sObject>(_: Resource, object: K8sObject) {
      const lease = object as Lease
      put(lease.metadata.name, lease.spec.holderIdentity)
      return object as T
    },
  }
  const stop = new AbortController()
  const resharding = new Resharding({
    client,
    namespace: 'ops',
    shard: { index: 0, count },
    clock,
    random: () => 1,
    log: pino({ level: 'silent' }),
  })
  const start = () => {
    resharding.settled(stop.signal).then((settled) => {
      state.settled = settled
    })
  }
  return { clock, put, state, stop, stored, start, resharding }
}

describe('a change of the number of shards', () => {
  it('waits for nobody where all Leases are of its own number, empty or of something else', async () => {
    const { start, state } = setUp(2, {
      'parley-manager-1-of-2': 'other',
      'parley-manager': undefined,
      'kube-scheduler': 'somebody',
    })
    start()
    await settle()
    expect(state.settled).toBe(true)
  })

  it('waits for as long as a Lease of another number is renewed, then until it is given up', async () => {
    const { start, state, put, clock } = setUp(2, { 'parley-manager': 'old' })
    start()
    for (let second = 0; second < 60; second++) {
      put('parley-manager', 'old')
      await clock.advance(1000)
      await settle()
    }
    expect(state.settled).toBeUndefined()
    put('parley-manager')
    await clock.advance(2000)
    await settle()
    expect(state.settled).toBe(true)
  })

  it('of a holder that died: waits one duration by its own clock, and empties the Lease', async () => {
    const { start, state, clock, stored } = setUp(3, { 'parley-manager-0-of-2': 'dead' })
    start()
    for (let second = 0; second < 14; second++) await clock.advance(1000).then(settle)
    expect(state.settled).toBeUndefined()
    for (let second = 0; second < 4; second++) await clock.advance(1000).then(settle)
    expect(state.settled).toBe(true)
    expect(stored.get('parley-manager-0-of-2')?.spec.holderIdentity).toBeUndefined()
  })

  it('knows whose place it has taken', async () => {
    const { start, resharding } = setUp(2, {
      'parley-manager': undefined,
      'parley-manager-1-of-2': 'other',
      'parley-manager-2-of-3': undefined,
      'kube-scheduler': 'somebody',
    })
    start()
    await settle()
    expect(resharding.former).toEqual(['parley-manager', 'parley-manager-2-of-3'])
  })

  it('waits while the API server is away, and goes on with a role that may not list Leases', async () => {
    const { start, state, clock } = setUp(2, {})
    state.failure = new Unavailable('Unavailable', 0, call, 'gone')
    start()
    await clock.advance(10_000)
    await settle()
    expect(state.settled).toBeUndefined()
    state.failure = new Forbidden('Forbidden', 403, call, 'no')
    await clock.advance(2_000)
    await settle()
    expect(state.settled).toBe(true)
  })

  it('ends when told to', async () => {
    const { start, state, stop } = setUp(2, { 'parley-manager': 'old' })
    start()
    await settle()
    stop.abort()
    await settle()
    expect(state.settled).toBe(false)
  })
})
