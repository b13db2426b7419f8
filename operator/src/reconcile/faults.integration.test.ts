import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eventually, TestCluster, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
const operators: TestOperator[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('operator-faults')
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

function has(namespace: string, key: string): Promise<void> {
  return eventually(async () => {
    expect([...(await cluster.children(namespace)).keys()]).toContain(key)
  })
}

describe('the operator in trouble', () => {
  it('REQ-K1: an API server that goes away is waited for; then work goes on', async () => {
    const operator = startOperator()
    await cluster.meetingCluster('outage')
    await has('outage', 'Deployment/demo-turn')
    await operator.quiet()
    await cluster.killApiServer()
    await eventually(async () => expect(operator.logs).toContain('watch interrupted'))
    await cluster.restartApiServer()
    await cluster.delete('svc', 'demo-meter', 'outage')
    await has('outage', 'Service/demo-meter')
    await cluster.meetingCluster('after')
    await has('after', 'Deployment/demo-turn')
  })

  it('REQ-K1: started before its API server, it waits for it', async () => {
    await cluster.killApiServer()
    const operator = startOperator()
    await eventually(async () => expect(operator.logs).toContain('no answer from the API server'))
    await cluster.restartApiServer()
    await cluster.meetingCluster('early')
    await has('early', 'Deployment/demo-turn')
  })

  it('REQ-K1: a mistake of the operator’s own is said where people look, the others go on, and it is over when it is mended', async () => {
    let broken = true
    const images = {
      registry: 'localhost',
      get tag() {
        if (broken) throw new TypeError('no such thing')
        return 'test'
      },
    }
    startOperator({ images })
    await cluster.meetingCluster('mistaken')
    const stalled = await cluster.condition('mistaken', 'Stalled', {
      status: 'True',
      reason: 'InternalError',
    })
    expect(stalled.message).toContain('TypeError: no such thing')
    await cluster.condition('mistaken', 'Ready', { status: 'False', reason: 'InternalError' })
    await eventually(async () => {
      const events = await cluster.kubectl('get', 'events', '-n', 'mistaken')
      expect(events).toMatch(/Warning +InternalError .*no such thing/)
    })
    await cluster.meetingCluster('sound', { image: { tag: 'given' } })
    await has('sound', 'Deployment/demo-turn')
    broken = false
    await cluster.annotate('mc', 'demo', 'mistaken', { look: 'again' })
    await has('mistaken', 'Deployment/demo-turn')
    await cluster.condition('mistaken', 'Stalled', { status: 'False' })
  })

  it('REQ-K1: a missing permission is named with its verb and resource', async () => {
    const kubeconfig = await restricted('no-netpol', ['networkpolicies'], ['list', 'watch', 'get'])
    startOperator({ kubeconfig })
    await cluster.meetingCluster('denied')
    const condition = await cluster.condition('denied', 'Stalled', {
      status: 'True',
      reason: 'Forbidden',
    })
    expect(condition.message).toContain('"patch" on "networkpolicies.networking.k8s.io"')
    await has('denied', 'Deployment/demo-turn')
  })

  it('REQ-K1: a kind that may not be watched is named, and the others are made', async () => {
    const kubeconfig = await restricted('no-budgets', ['poddisruptionbudgets'], [])
    startOperator({ kubeconfig })
    await cluster.meetingCluster('blind')
    const condition = await cluster.condition('blind', 'Stalled', {
      status: 'True',
      reason: 'Forbidden',
    })
    expect(condition.message).toContain('"list" on "poddisruptionbudgets.policy"')
    await has('blind', 'Deployment/demo-turn')
  })

  it('REQ-K1: kinds of others that are not installed are skipped, which is said once, however often they are looked for', async () => {
    const operator = startOperator({ discoveryMs: 20 })
    await cluster.meetingCluster('plain')
    await has('plain', 'Deployment/demo-turn')
    const asked = () => operator.metric('rest_client_requests_total', /code="404"/)
    const before = await asked()
    await eventually(async () => expect(await asked()).toBeGreaterThan(before + 20))
    const said = operator.logs.match(/"kind":"\w+"[^}]*has no such kind/g) ?? []
    expect(said.length).toBeGreaterThan(1)
    expect(new Set(said).size).toBe(said.length)
    for (const kind of ['ServiceMonitor', 'PrometheusRule', 'Certificate'])
      expect(said.filter((line) => line.includes(`"${kind}"`))).toHaveLength(1)
    await cluster.condition('plain', 'Stalled', { status: 'False' })
  })

  it('REQ-K1: a quota that is used up is named, and what is allowed again is made', async () => {
    await cluster.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'quota' } },
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few', namespace: 'quota' },
        spec: { hard: { 'count/deployments.apps': '1' } },
      },
    )
    // Until it is counted, nothing is allowed at all, and the message is another one.
    await eventually(async () => {
      const quota = await cluster.get<{ status?: { hard?: object } }>('quota', 'few', 'quota')
      expect(quota?.status?.hard).toBeDefined()
    })
    startOperator()
    await cluster.meetingCluster('quota')
    const condition = await cluster.condition('quota', 'Stalled', {
      status: 'True',
      reason: 'QuotaExceeded',
    })
    expect(condition.message).toMatch(/exceeded quota: few, .*count\/deployments.apps=1/)
    await has('quota', 'StatefulSet/demo-redis')
    await cluster.delete('quota', 'few', 'quota')
    await cluster.annotate('mc', 'demo', 'quota', { 'example.com/look': 'again' })
    await has('quota', 'Deployment/demo-meter')
    await cluster.condition('quota', 'Stalled', { status: 'False' })
  })

  it('REQ-K1: of two operators one works; the other takes over when it ends', async () => {
    const first = startOperator({ leaderElect: true })
    await eventually(async () => expect(first.logs).toContain('became leader'))
    const second = startOperator({ leaderElect: true })
    await cluster.meetingCluster('led')
    await has('led', 'Deployment/demo-turn')
    expect(await second.reconciles()).toBe(0)
    expect(await second.metric('leader_election_master_status')).toBe(0)
    operators.splice(operators.indexOf(first), 1)
    await first.stop()
    await cluster.delete('svc', 'demo-meter', 'led')
    await has('led', 'Service/demo-meter')
    expect(await second.metric('leader_election_master_status')).toBe(1)
  })
})

/** A kubeconfig of a service account that may do everything, but with some resources only some verbs. */
async function restricted(name: string, resources: string[], verbs: string[]): Promise<string> {
  const rbac = 'rbac.authorization.k8s.io'
  const others = ALL.filter((resource) => !resources.includes(resource))
  const rules = [{ apiGroups: ['*'], resources: others, verbs: ['*'] }]
  if (verbs.length > 0) rules.push({ apiGroups: ['*'], resources, verbs })
  await cluster.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
    },
  )
  const token = (await cluster.kubectl('create', 'token', name, '-n', 'default')).trim()
  const config = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '-o', 'json')) as {
    users: { name: string; user: object }[]
  }
  for (const user of config.users) user.user = { token }
  const file = `${cluster.controlPlane.kubeconfig}.${name}`
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

const ALL = [
  ...['meetingclusters', 'meetingclusters/status', 'meetingclusters/finalizers'],
  ...['configmaps', 'secrets', 'services', 'serviceaccounts', 'persistentvolumeclaims', 'pods'],
  ...['nodes', 'storageclasses', 'deployments', 'statefulsets', 'horizontalpodautoscalers'],
  ...['poddisruptionbudgets', 'networkpolicies', 'ingresses', 'events', 'leases', 'services/proxy'],
]
