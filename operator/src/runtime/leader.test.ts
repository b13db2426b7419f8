import { describe, expect, it } from '@jest/globals'
import pino from 'pino'
import { Conflict, NotFound, Unavailable } from './errors.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { LeaderElector, type Lease, microTime } from './leader.ts'
import { createMetrics } from './metrics.ts'
import type { K8sObject, Resource } from './resources.ts'

/** One lease behind an API server's rule: a write must name the newest version. */
class FakeLeases {
  lease: Lease | undefined
  down = false
  #version = 0

  async get<T extends K8sObject>(): Promise<T> {
    this.#check('get')
    if (!this.lease) throw new NotFound('NotFound', 404, call('get'), 'no lease')
    return structuredClone(this.lease) as unknown as T
  }

  async create<T extends K8sObject>(_: Resource, __: string | undefined, object: object) {
    this.#check('create')
    if (this.lease) throw new Conflict('Conflict', 409, call('create'), 'exists')
    return this.#store(object as Lease) as unknown as T
  }

  async update<T extends K8sObject>(_: Resource, object: K8sObject) {
    this.#check('update')
    if (object.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
      throw new Conflict('Conflict', 409, call('update'), 'changed')
    }
    return this.#store(object as Lease) as unknown as T
  }

  #check(verb: string) {
    if (this.down) throw new Unavailable('Unavailable', 0, call(verb), 'gone')
  }

  #store(lease: Lease): Lease {
    this.lease = structuredClone(lease)
    this.lease.metadata.resourceVersion = String(++this.#version)
    return structuredClone(this.lease)
  }
}

const call = (verb: string) => ({ verb, resource: 'leases.coordination.k8s.io' })

function candidate(identity: string, clock: FakeClock, client: FakeLeases) {
  const metrics = createMetrics()
  const stop = new AbortController()
  const elector = new LeaderElector({
    client,
    namespace: 'ops',
    name: 'parley-manager',
    identity,
    clock,
    random: () => 0,
    metrics,
    log: pino({ level: 'silent' }),
  })
  const state = { leads: false, outcome: '' }
  const acquired = elector.acquire(stop.signal).then(async (leads) => {
    state.leads = leads
    if (leads) state.outcome = await elector.hold(stop.signal)
    state.leads = false
  })
  return { elector, state, stop, acquired, metrics }
}

describe('LeaderElector', () => {
  it('one of two leads, and keeps leading while it renews', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    const a = candidate('a', clock, leases)
    const b = candidate('b', clock, leases)
    await clock.advance(120_000)
    expect([a.state.leads, b.state.leads]).toEqual([true, false])
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 })
    expect(await a.metrics.registry.metrics()).toContain(
      'leader_election_master_status{name="parley-manager"} 1',
    )
    for (const { stop } of [a, b]) stop.abort()
    await Promise.all([a.acquired, b.acquired])
  })

  it('another takes over a dead one, once the lease was seen unchanged for 15 s', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    const a = candidate('a', clock, leases)
    await clock.advance(5_000)
    // Killed: it neither renews nor releases.
    a.stop.abort()
    await a.acquired
    const b = candidate('b', clock, leases)
    await clock.advance(14_000)
    expect(b.state.leads).toBe(false)
    await clock.advance(4_000)
    expect(b.state.leads).toBe(true)
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
    b.stop.abort()
    await b.acquired
  })

  it('does not trust the time in the lease: a holder whose clock is far off is not robbed', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    leases.lease = {
      metadata: { name: 'parley-manager', namespace: 'ops', resourceVersion: '7' },
      spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: microTime(-86_400_000) },
    }
    const b = candidate('b', clock, leases)
    await clock.advance(10_000)
    expect(b.state.leads).toBe(false)
    b.stop.abort()
    await b.acquired
  })

  it('says that it lost when it could not renew for 10 s, before anybody else can lead', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    const a = candidate('a', clock, leases)
    await clock.advance(3_000)
    leases.down = true
    await clock.advance(8_500)
    expect(a.state.outcome).toBe('')
    await clock.advance(1_000)
    expect(a.state.outcome).toBe('lost')
    expect(await a.metrics.registry.metrics()).toContain(
      'leader_election_master_status{name="parley-manager"} 0',
    )
  })

  it('says that it lost at the next renewal when somebody took the lease before it had lapsed', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    const a = candidate('a', clock, leases)
    await clock.advance(3_000)
    const held = leases.lease as Lease
    await leases.update(
      {} as Resource,
      { ...held, spec: { ...held.spec, holderIdentity: 'b' } } as Lease,
    )
    await clock.advance(2_000)
    expect(a.state.outcome).toBe('lost')
    expect(leases.lease?.spec.holderIdentity).toBe('b')
  })

  it('goes on leading through an outage shorter than the deadline', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    const a = candidate('a', clock, leases)
    await clock.advance(3_000)
    leases.down = true
    await clock.advance(6_000)
    leases.down = false
    await clock.advance(60_000)
    expect(a.state.leads).toBe(true)
    a.stop.abort()
    await a.acquired
  })

  it('a lease that is given up is taken at once', async () => {
    const clock = new FakeClock()
    const leases = new FakeLeases()
    const a = candidate('a', clock, leases)
    const b = candidate('b', clock, leases)
    await clock.advance(3_000)
    a.stop.abort()
    await a.acquired
    await a.elector.release()
    await settle()
    await clock.advance(2_000)
    expect(b.state.leads).toBe(true)
    b.stop.abort()
    await b.acquired
  })

  it('writes times as the API server takes them', () => {
    expect(microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02T03:04:05.006000Z')
  })
})
