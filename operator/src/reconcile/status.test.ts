import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { COMPONENTS, type MeetingCluster, parseMeetingCluster } from '../api/index.ts'
import type { Rollout } from './observed.ts'
import { computeStatus, type Observation, pausedStatus } from './status.ts'

function meetingCluster(spec: object = {}): MeetingCluster {
  return parseMeetingCluster({
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: 'demo', namespace: 'meetings', generation: 4 },
    spec: { domain: 'meet.example.com', region: 'eu', sfu: { engine: 'None' }, ...spec },
  })
}

const still = { held: false, cameUp: true, failed: false, homeless: 0 }
const idle = { replacing: false, surges: false, ...still }
const up: Rollout = { desired: 2, ready: 2, updated: 2, current: true, image: 'i:1', ...idle }
const fine: Observation = {
  rollouts: { turn: up, signaling: up, webapp: up, redis: up, meter: up },
  waiting: {},
  turnUrls: ['turn:203.0.113.7:3478?transport=udp'],
  turnWaitsFor: undefined,
  sfuNodesWithoutAddress: [],
  problems: [],
  relay: undefined,
}

function conditions(cluster: MeetingCluster, observation: Partial<Observation>) {
  const status = computeStatus(cluster, { ...fine, ...observation }, 0)
  return Object.fromEntries(
    (status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  )
}

const rollout = fc.record<Rollout>({
  desired: fc.nat(3),
  ready: fc.nat(3),
  updated: fc.nat(3),
  current: fc.boolean(),
  replacing: fc.boolean(),
  surges: fc.boolean(),
  held: fc.boolean(),
  cameUp: fc.boolean(),
  failed: fc.boolean(),
  homeless: fc.nat(3),
})
const observation = fc.record<Observation>({
  rollouts: fc.dictionary(fc.constantFrom(...COMPONENTS), rollout),
  waiting: fc.constantFrom({}, { turn: 'sfu' as const }),
  turnUrls: fc.constantFrom([], ['turn:203.0.113.7:3478?transport=udp']),
  turnWaitsFor: fc.constantFrom(undefined, 'no ExternalIP on node n1'),
  sfuNodesWithoutAddress: fc.constantFrom([], ['n1']),
  problems: fc.constantFrom([], [{ reason: 'Forbidden', message: 'm', stalled: true }]),
  relay: fc.constant(undefined),
})
const anyCluster = fc
  .record({ engine: fc.constantFrom('None', 'LiveKit'), webapp: fc.boolean() })
  .map(({ engine, webapp }) => meetingCluster({ sfu: { engine }, webapp: { enabled: webapp } }))

describe('computeStatus', () => {
  it('REQ-K5: Degraded, with the reason, when the meter says that Redis or its store is away', () => {
    const cluster = meetingCluster({ redis: { mode: 'External', external: { url: 'redis://r' } } })
    const away = { desired: 1, ready: 0, updated: 1, current: true, ...idle }
    const troubles = { redis: 'not subscribed: ECONNREFUSED r:6379', store: 'cannot write' }
    const said = (rollouts: Observation['rollouts']) =>
      computeStatus(cluster, { ...fine, rollouts, relay: { troubles } }, 0).conditions ?? []
    const of = (all: ReturnType<typeof said>, wanted: string) =>
      all.find(({ type }) => type === wanted)
    const all = said({ ...fine.rollouts, meter: away, signaling: away })
    expect(of(all, 'MeterReady')).toMatchObject({
      reason: 'Degraded',
      message: expect.stringMatching(/^0 of 1 pods ready.*ECONNREFUSED r:6379; cannot write$/),
    })
    expect(of(all, 'SignalingReady')).toMatchObject({
      reason: 'Degraded',
      message: expect.stringMatching(/ECONNREFUSED r:6379$/),
    })
    expect(of(all, 'Ready')).toMatchObject({ status: 'False', reason: 'Degraded' })
    // What came right meanwhile is right, whatever an older reading says.
    expect(of(said(fine.rollouts), 'MeterReady')).toMatchObject({ status: 'True' })
  })

  it('REQ-K6: Ready when every component that is wanted is', () => {
    expect(conditions(meetingCluster(), {})).toEqual({
      Ready: 'True Available',
      Reconciling: 'False Done',
      Stalled: 'False NotStalled',
      TurnReady: 'True Available',
      SfuReady: 'True Disabled',
      SignalingReady: 'True Available',
      WebappReady: 'True Available',
      RedisReady: 'True Available',
      MeterReady: 'True Available',
    })
  })

  it('REQ-K5: Ready, and it says so, where what is kept goes with the pod', () => {
    const status = computeStatus(meetingCluster(), { ...fine, withoutVolume: ['meter'] }, 0)
    const said = (wanted: string) => status.conditions?.find(({ type }) => type === wanted)
    expect(said('MeterReady')).toMatchObject({
      status: 'True',
      message: expect.stringMatching(/without a volume: .*spec\.store\.storageClassName$/),
    })
    expect(said('RedisReady')?.message).toBe('2 of 2 pods ready')
    expect(said('Ready')?.status).toBe('True')
  })

  it('REQ-K6: kstatus: at most one of Reconciling and Stalled, neither when Ready, one when not', () => {
    fc.assert(
      fc.property(anyCluster, observation, (cluster, found) => {
        const all = conditions(cluster, found)
        const is = (type: string) => all[type]?.startsWith('True') === true
        expect(Number(is('Reconciling')) + Number(is('Stalled'))).toBe(is('Ready') ? 0 : 1)
        if (is('Ready')) {
          for (const status of Object.entries(all)) {
            if (/.Ready$/.test(status[0])) expect(status[1]).toMatch(/^True/)
          }
        }
      }),
    )
  })

  it('says the same again when it finds the same: nothing to write', () => {
    fc.assert(
      fc.property(anyCluster, observation, (cluster, found) => {
        const status = computeStatus(cluster, found, 1000)
        expect(computeStatus({ ...cluster, status }, found, 900_000)).toEqual(status)
      }),
    )
  })

  it.each<[string, Partial<Observation>, string, string]>([
    [
      'pods that start',
      { rollouts: { ...fine.rollouts, webapp: { ...up, ready: 0 } } },
      'WebappReady',
      'False Progressing',
    ],
    [
      'a new version that rolls out',
      { rollouts: { ...fine.rollouts, webapp: { ...up, updated: 1 } } },
      'WebappReady',
      'False Progressing',
    ],
    [
      'a spec not yet seen by its controller',
      { rollouts: { ...fine.rollouts, webapp: { ...up, current: false } } },
      'WebappReady',
      'False Progressing',
    ],
    [
      'a pod fewer than wanted',
      { rollouts: { ...fine.rollouts, webapp: { ...up, ready: 1 } } },
      'WebappReady',
      'False Degraded',
    ],
    [
      'no address',
      { turnUrls: [], turnWaitsFor: 'no ExternalIP on node n1' },
      'TurnReady',
      'False WaitingForTurnAddress',
    ],
    [
      'signaling held',
      { turnUrls: [], rollouts: {} },
      'SignalingReady',
      'False WaitingForDependency',
    ],
  ])('REQ-K6: tells %s', (_, found, type, expected) => {
    const all = conditions(meetingCluster(), found)
    expect(all[type]).toBe(expected)
    expect(all.Ready).toMatch(/^False/)
  })

  it('REQ-K1: an SFU pod that no client could reach is waited for, with the node and the fix', () => {
    const mc = meetingCluster({ sfu: { engine: 'LiveKit' } })
    const rollouts = { ...fine.rollouts, sfu: { ...up, desired: 3, updated: 3 } }
    const found = { ...fine, rollouts, sfuNodesWithoutAddress: ['n2'] }
    const status = computeStatus(mc, found, 0)
    const sfu = status.conditions?.find(({ type }) => type === 'SfuReady')
    expect(sfu).toMatchObject({ status: 'False', reason: 'WaitingForSfuAddress' })
    expect(sfu?.message).toMatch(/n2.*spec\.sfu\.externalAddresses/)
    expect(status.components?.sfu).toMatchObject({ desired: 3, ready: 2 })
  })

  it('REQ-K1: an engine that is not there stalls, with the fix in the message', () => {
    const status = computeStatus(meetingCluster({ sfu: { engine: 'Mediasoup' } }), fine, 0)
    const stalled = status.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled).toMatchObject({ status: 'True', reason: 'EngineNotAvailable' })
    expect(stalled?.message).toContain('set spec.sfu.engine to None')
  })

  it('REQ-K6: keeps the last figures of a meter that does not answer, and says so', () => {
    const relay = {
      allocations: 3,
      users: 2,
      costPerHour: '0.1',
      monthToDate: '5',
      currency: 'USD',
    }
    const cluster = { ...meetingCluster(), status: { relay } }
    const status = computeStatus(cluster, { ...fine, relay: { error: 'no route' } }, 0)
    expect(status.relay).toEqual(relay)
    const meter = status.conditions?.find(({ type }) => type === 'MeterReady')
    expect(meter).toMatchObject({ status: 'True', message: expect.stringContaining('no route') })
  })

  it('a pause keeps what was said, and is said', () => {
    const cluster = meetingCluster()
    const before = computeStatus(
      { ...cluster, metadata: { ...cluster.metadata, generation: 3 } },
      fine,
      0,
    )
    const paused = pausedStatus({ ...cluster, status: before }, 5000)
    expect(paused.observedGeneration).toBe(3)
    const by = (type: string) => paused.conditions?.find((condition) => condition.type === type)
    expect(by('Reconciling')).toMatchObject({ status: 'False', reason: 'Paused' })
    expect(by('Ready')).toEqual(before.conditions?.find(({ type }) => type === 'Ready'))
  })
})
