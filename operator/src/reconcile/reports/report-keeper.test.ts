import { describe, expect, it } from '@jest/globals'
import type { RelayCostReport } from '@parley/protocol'
import pino from 'pino'
import { relayCostReportSchema } from '../../api/index.ts'
import { meetingCluster } from '../../api/testing/specs.ts'
import { FakeClock } from '../../runtime/fake-clock.ts'
import type { K8sObject } from '../../runtime/resources.ts'
import type { MeterTarget } from '../figures/meter-client.ts'
import { SETTLE_MS } from './periods.ts'
import { ReportKeeper } from './report-keeper.ts'
import { reportResource } from './resource.ts'

const hour = 3_600_000
const noon = Date.UTC(2026, 10, 21, 12)

const measures = {
  allocations: 3,
  relayedSeconds: 7200.4,
  bytes: { clientToTurn: 1e9, turnToClient: 1e9, turnToPeer: 5e8, peerToTurn: 5e8, billable: 2e9 },
  cost: { egress: 0.18, nodes: 0, idle: 0, total: 0.18 },
  unattributedBytes: 0,
}
const report = (rows: RelayCostReport['rows'], notes: string[] = []): RelayCostReport => ({
  window: { from: new Date(noon - hour).toISOString(), to: new Date(noon).toISOString() },
  currency: 'USD',
  prices: { name: 'aws/eu-central-1', asOf: '2026-11-01' },
  totals: measures,
  rows,
  notes,
})
const cluster = (createdAt: number, spec: object = {}) => {
  const { metadata, ...rest } = meetingCluster(spec)
  const creationTimestamp = new Date(createdAt).toISOString()
  const { name } = metadata
  return { ...rest, metadata: { name, namespace: 'meetings', uid: 'uid-1', creationTimestamp } }
}
const meter = { key: 'meetings/demo' } as MeterTarget

async function setUp(createdAt: number) {
  const clock = new FakeClock()
  await clock.advance(noon + SETTLE_MS)
  const objects = new Map<string, K8sObject>()
  const state = {
    served: true,
    meter: meter as MeterTarget | undefined,
    fails: '',
    asked: [] as string[],
    did: [] as string[],
  }
  const keeper = () =>
    new ReportKeeper({
      client: {
        serves: async () => state.served,
        list: async () => {
          state.did.push('list')
          return { metadata: { resourceVersion: '1' }, items: [...objects.values()] }
        },
        apply: async (_resource, _namespace, name, body) => {
          if (state.fails) throw new Error(state.fails)
          state.did.push(`apply ${name}`)
          const object = JSON.parse(body) as K8sObject
          objects.set(name, { ...object, metadata: { ...object.metadata, uid: `of ${name}` } })
          return objects.get(name) as K8sObject
        },
        delete: async (_resource, _namespace, name, uid) => {
          expect(uid).toBe(`of ${name}`)
          state.did.push(`delete ${name}`)
          objects.delete(name)
        },
      },
      meter: {
        get: async <T>(_target: MeterTarget, path: string) => {
          state.asked.push(path)
          return report([]) as T
        },
      },
      clusters: () => [{ cluster: cluster(createdAt), meter: state.meter }],
      namespace: undefined,
      clock,
      random: () => 0.5,
      log: pino({ level: 'silent' }),
    })
  const done = async (which: ReportKeeper) => {
    state.did.length = 0
    await which.keepAll()
    return [...state.did]
  }
  return { clock, objects, state, keeper, done }
}

describe('ReportKeeper', () => {
  it('REQ-K5: writes each report once, and that of the present day with each interval', async () => {
    const { clock, state, keeper, done } = await setUp(noon - hour)
    const one = keeper()
    expect(await done(one)).toEqual(['list', 'apply demo-20261121-1d', 'apply demo-20261121t11-1h'])
    expect(state.asked).toContain(`/report?from=${noon - hour}&to=${noon}&by=tenant,room&limit=10`)
    expect(await done(one)).toEqual([])
    await clock.advance(hour)
    expect(await done(one)).toEqual(['apply demo-20261121-1d', 'apply demo-20261121t12-1h'])
  })

  it('REQ-K5: a restart writes nothing', async () => {
    const { keeper, done } = await setUp(noon - hour)
    await done(keeper())
    expect(await done(keeper())).toEqual(['list'])
  })

  it('REQ-K5: deletes what is older than is kept', async () => {
    const { clock, objects, keeper, done } = await setUp(noon - hour)
    const one = keeper()
    await done(one)
    await clock.advance(25 * hour)
    const did = await done(one)
    expect(did).toContain('delete demo-20261121t11-1h')
    expect(did).not.toContain('delete demo-20261121-1d')
    for (let day = 0; day < 40; day++) {
      await clock.advance(24 * hour)
      await done(one)
    }
    expect(objects.size).toBe(24 + 31 + 1)
  })

  it('REQ-K5: a meter that is away, a refusal and a missing kind are tried again, and harm nothing', async () => {
    const { state, keeper, done } = await setUp(noon - hour)
    const one = keeper()
    state.served = false
    expect(await done(one)).toEqual([])
    state.served = true
    state.meter = undefined
    expect(await done(one)).toEqual(['list'])
    state.meter = meter
    state.fails = 'no'
    expect(await done(one)).toEqual([])
    state.fails = ''
    expect(await done(one)).toHaveLength(2)
  })
})

describe('a RelayCostReport', () => {
  const period = { suffix: '20261121t11-1h', from: noon - hour, to: noon, dueAt: noon }

  it('REQ-K5: says what the meter says, in the form of its schema', () => {
    const rooms = report(
      [{ key: { tenant: 'acme', room: 'standup' }, ...measures }],
      ['Whole hours.'],
    )
    const tenants = report([{ key: { tenant: 'acme' }, ...measures }])
    const reasons = report([{ key: { reason: 'udp-blocked' }, ...measures }])
    const object = reportResource(cluster(noon), period, { rooms, tenants, reasons }, noon + 1500)
    expect(relayCostReportSchema.parse(object)).toMatchObject({
      spec: { clusterRef: { name: 'demo' }, window: { from: '2026-11-21T11:00:00Z' } },
      report: {
        cost: '0.1800',
        relayedGB: '3.000',
        relayedSeconds: 7200,
        rooms: [{ tenant: 'acme', room: 'standup', bytes: 3e9, cost: '0.1800' }],
        reasons: [{ reason: 'udp-blocked', bytes: 3e9 }],
        notes: ['Whole hours.'],
      },
    })
    expect(object.metadata.ownerReferences).toMatchObject([{ uid: 'uid-1', controller: true }])
  })

  it('REQ-K5: is smaller than 16 KiB, whatever the meter says', () => {
    const long = '\u{1F4B8}'.repeat(500)
    const bytes = Object.fromEntries(
      Object.keys(measures.bytes).map((leg) => [leg, 2 ** 51 - 1]),
    ) as typeof measures.bytes
    const rows = Array.from({ length: 1000 }, () => ({
      ...{ ...measures, bytes, cost: { ...measures.cost, total: 1e21 } },
      key: { tenant: long, room: long, reason: long },
    }))
    const much = {
      ...report(rows, Array(100).fill(long)),
      currency: long,
      prices: { name: long, asOf: long },
    }
    const object = reportResource(
      cluster(noon),
      period,
      { rooms: much, tenants: much, reasons: much },
      noon,
    )
    expect(Buffer.byteLength(JSON.stringify(object))).toBeLessThan(16 * 1024)
    expect(relayCostReportSchema.safeParse(object).success).toBe(true)
  })
})
