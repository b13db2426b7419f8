import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  type MeetingCluster,
  relayCostReportSchema,
  reportResourceDefinition,
} from '@parley/operator/api'
import { ApiClient, createMetrics, type K8sObject } from '@parley/operator/runtime'
import { ReportKeeper } from '../../operator/src/reconcile/reports/report-keeper.ts'
import {
  eventually,
  logTo,
  TestCluster,
} from '../../operator/src/reconcile/testing/test-cluster.ts'
import { reportRules } from './rbac.ts'

jest.setTimeout(180_000)

const hour = 3_600_000
const verbs = reportRules.flatMap((rule) => rule.verbs)

/** What a meter would say. */
const answer = {
  window: { from: '2026-11-21T00:00:00.000Z', to: '2026-11-21T01:00:00.000Z' },
  currency: 'USD',
  prices: { name: 'aws/eu-central-1', asOf: '2026-11-01' },
  totals: {
    allocations: 2,
    relayedSeconds: 60,
    bytes: { clientToTurn: 1e9, turnToClient: 1e9, turnToPeer: 0, peerToTurn: 0, billable: 1e9 },
    cost: { egress: 0.09, nodes: 0, idle: 0, total: 0.09 },
    unattributedBytes: 0,
  },
  rows: [],
  notes: ['Counted in whole UTC hours.'],
}

let cluster: TestCluster
const clients: ApiClient[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('reports')
  await cluster.apply(reportResourceDefinition())
  // Established, and for a moment not served yet.
  await eventually(() => cluster.list('rcr', 'default'))
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await cluster?.stop()
})

/** A keeper of the reports of `demo` in a namespace, with the rights but one. */
async function keeperWithout(namespace: string, missing: string | undefined) {
  await cluster.meetingCluster(namespace)
  await cluster.apply(...accountOf(namespace, missing))
  const client = await connectAs(namespace)
  const demo = (await cluster.get<MeetingCluster & K8sObject>('mc', 'demo', namespace)) as
    | (MeetingCluster & K8sObject)
    | undefined
  if (!demo) throw new Error('the MeetingCluster was applied')
  const lines: string[] = []
  const state = { now: Date.now() + 26 * hour }
  const keeper = () =>
    new ReportKeeper({
      client,
      meter: { get: async <T>() => answer as T },
      clusters: () => [
        { cluster: demo, meter: { key: '', namespace, service: '', tokenSecret: '' } },
      ],
      namespace,
      clock: { now: () => state.now, after: () => () => {} },
      random: () => 0.5,
      log: logTo(lines),
    })
  return { keeper, state, said: () => lines.join('') }
}

function accountOf(namespace: string, missing: string | undefined): object[] {
  const rbac = 'rbac.authorization.k8s.io'
  const metadata = { name: 'reports', namespace }
  const rules = reportRules.map((rule) => ({
    ...rule,
    verbs: rule.verbs.filter((verb) => verb !== missing),
  }))
  // The operator has this one for all that it makes.
  const owner = {
    apiGroups: ['parley.dev'],
    resources: ['meetingclusters/finalizers'],
    verbs: ['update'],
  }
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules: [...rules, owner] },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'reports' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  ]
}

async function connectAs(namespace: string): Promise<ApiClient> {
  const token = await cluster.kubectl('create', 'token', 'reports', '-n', namespace)
  const config = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '-o', 'json')) as {
    users: { user: object }[]
  }
  for (const user of config.users) user.user = { token: token.trim() }
  const file = `${cluster.controlPlane.kubeconfig}.${namespace}`
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  const client = await ApiClient.connect(file, createMetrics())
  clients.push(client)
  return client
}

describe('RelayCostReports on a real API server', () => {
  it('REQ-K5: are written, shown, renewed, deleted when they are old and with their MeetingCluster', async () => {
    const { keeper, state, said } = await keeperWithout('complete', undefined)
    const one = keeper()
    await one.keepAll()
    expect(said()).toBe('')
    const reports = () => cluster.list('rcr', 'complete')
    const written = await reports()
    expect(written.length).toBeGreaterThanOrEqual(25)
    for (const each of written) expect(relayCostReportSchema.safeParse(each).success).toBe(true)
    const [header = '', first = ''] = (
      await cluster.kubectl('get', 'relaycostreports', '-n', 'complete')
    ).split('\n')
    expect(header).toMatch(/^NAME +CLUSTER +FROM +TO +RELAYED GB +COST +CURRENCY +AGE/)
    expect(first).toMatch(/^demo-\d{8}(t\d\d)?-1[hd] +demo +\S+Z +\S+Z +2\.000 +0\.0900 +USD/)

    // Another operator takes over: what is there is not written again.
    const versions = written.map(({ metadata }) => metadata.resourceVersion)
    await keeper().keepAll()
    expect((await reports()).map(({ metadata }) => metadata.resourceVersion)).toEqual(versions)

    state.now += 2 * hour
    await one.keepAll()
    const later = (await reports()).map(({ metadata }) => metadata.name)
    expect(written.filter(({ metadata }) => !later.includes(metadata.name))).not.toEqual([])
    expect(said()).toBe('')

    await cluster.delete('mc', 'demo', 'complete')
    await eventually(async () => expect(await reports()).toEqual([]), { withinMs: 60_000 })
  })

  it.each(verbs)('REQ-K1: without the verb %s it says so', async (verb) => {
    const namespace = `without-${verb}`
    const { keeper, state, said } = await keeperWithout(namespace, verb)
    const one = keeper()
    await one.keepAll()
    state.now += 2 * hour
    await one.keepAll()
    expect(said()).toContain(`lacks the verb \\"${verb}\\" on \\"relaycostreports.parley.dev\\"`)
    for (const other of verbs.filter((each) => each !== verb))
      expect(said()).not.toContain(`lacks the verb \\"${other}\\"`)
  })
})
