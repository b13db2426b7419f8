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
    await limited('quota', 'few', { 'count/deployments.apps': '1' })
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

  it('REQ-K1: a quota of pods is named as well, of the component that lacks them', async () => {
    await limited('crowded', 'none', { pods: '0' })
    startOperator()
    await cluster.meetingCluster('crowded')
    await eventually(async () => {
      const stalled = { status: 'True', reason: 'QuotaExceeded' }
      const { message } = await cluster.condition('crowded', 'Stalled', stalled)
      expect(message).toMatch(/meter: its pods are refused: exceeded quota: none, .*pods=0: raise/)
    })
    // Of a StatefulSet only events say why.
    await eventually(async () => {
      const { message } = await cluster.condition('crowded', 'RedisReady', { status: 'False' })
      expect(message).toContain('kubectl describe statefulset demo-redis says why')
    })
  })

  it('REQ-K1: a namespace that takes no pods on the network of their nodes is named, with the label that it needs', async () => {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict' } })
    const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' }
    await cluster.patch('ns', 'strict', 'default', { metadata: { labels } })
    startOperator()
    await cluster.meetingCluster('strict')
    await eventually(async () => {
      const stalled = { status: 'True', reason: 'ApplyFailed' }
      const { message } = await cluster.condition('strict', 'Stalled', stalled)
      expect(message).toMatch(
        /turn: its pods are refused: violates PodSecurity .*enforce=privileged/,
      )
    })
  })

  it('REQ-K1: a webhook of the cluster that does not answer is named, and what it kept back is made when it is gone', async () => {
    await cluster.apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'dead' },
      webhooks: [
        {
          name: 'policy.example.com',
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules: [
            {
              apiGroups: ['apps'],
              apiVersions: ['v1'],
              resources: ['deployments'],
              operations: ['CREATE'],
            },
          ],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'judged' } },
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
        },
      ],
    })
    startOperator()
    await cluster.meetingCluster('judged')
    const condition = await cluster.condition('judged', 'Ready', {
      status: 'False',
      reason: 'ApplyFailed',
    })
    expect(condition.message).toContain('the admission webhook policy.example.com of this cluster')
    await has('judged', 'StatefulSet/demo-redis')
    await cluster.delete('validatingwebhookconfigurations', 'dead', 'default')
    await has('judged', 'Deployment/demo-meter')
  })

  it('REQ-K1: what a policy of the cluster refuses is said in its words, in an event, too, however long they are', async () => {
    const words = 'no such Service here: '.padEnd(1200, 'ü')
    const inNamespace = { matchLabels: { 'kubernetes.io/metadata.name': 'ruled' } }
    await cluster.apply(
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name: 'meters' },
        spec: {
          matchConstraints: {
            namespaceSelector: inNamespace,
            resourceRules: [
              {
                apiGroups: [''],
                apiVersions: ['v1'],
                resources: ['services'],
                operations: ['CREATE'],
              },
            ],
          },
          validations: [
            {
              expression: "object.metadata.name != 'demo-meter'",
              message: words,
              reason: 'Forbidden',
            },
          ],
        },
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name: 'meters' },
        spec: { policyName: 'meters', validationActions: ['Deny'] },
      },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ruled' } },
    )
    // A policy takes a moment until it holds.
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'demo-meter', namespace: 'ruled' },
      spec: { ports: [{ port: 1 }] },
    }
    await eventually(async () => {
      const made = await cluster.apply(service).then(
        () => true,
        () => false,
      )
      if (!made) return
      await cluster.delete('svc', 'demo-meter', 'ruled')
      throw new Error('it is not refused yet')
    })
    startOperator()
    await cluster.meetingCluster('ruled')
    const stalled = { status: 'True', reason: 'ApplyFailed' }
    const { message } = await cluster.condition('ruled', 'Stalled', stalled)
    expect(message).toContain('refused, and not for want of a permission')
    expect(message).toContain(words)
    expect(message).not.toContain('lacks the verb')
    await eventually(async () => {
      const events = await cluster.list('events.events.k8s.io', 'ruled')
      const notes = events.map((event) => (event as { note?: string }).note ?? '')
      expect(notes.filter((note) => /no such Service here: ü+$/.test(note))).not.toEqual([])
    })
    await has('ruled', 'Deployment/demo-turn')
  })

  it('REQ-K5: a price list or a StorageClass that is not there is named, and work goes on when it comes', async () => {
    startOperator()
    await cluster.meetingCluster('poor', {
      cost: { prices: { configMap: 'mine' } },
      store: { storageClassName: 'fast' },
    })
    const missing = { status: 'True', reason: 'MissingReference' }
    const { message } = await cluster.condition('poor', 'Stalled', missing)
    expect(message).toContain('there is no StorageClass fast; create it')
    expect(message).toContain('there is no ConfigMap mine; create it with the key prices.yaml')
    await has('poor', 'Deployment/demo-meter')
    expect([...(await cluster.children('poor')).keys()].join()).not.toContain('demo-meter-store')

    // Another name is taken; of a claim it could never be changed.
    await cluster.patch('mc', 'demo', 'poor', { spec: { store: { storageClassName: 'faster' } } })
    await cluster.apply(
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'faster' },
        provisioner: 'example.com/none',
      },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'mine', namespace: 'poor' },
        data: { 'prices.yaml': 'currency: EUR' },
      },
    )
    await has('poor', 'PersistentVolumeClaim/demo-meter-store')
    const claim = await cluster.get('pvc', 'demo-meter-store', 'poor')
    expect(claim?.spec.storageClassName).toBe('faster')
    await cluster.annotate('mc', 'demo', 'poor', { 'example.com/look': 'again' })
    await cluster.condition('poor', 'Stalled', { status: 'False' })
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

/** Makes a namespace with a quota. Until that is counted, nothing is allowed at all, and the message is another one. */
async function limited(namespace: string, name: string, hard: object): Promise<void> {
  await cluster.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name, namespace }, spec: { hard } },
  )
  await eventually(async () => {
    const quota = await cluster.get<{ status?: { hard?: object } }>('quota', name, namespace)
    expect(quota?.status?.hard).toBeDefined()
  })
}

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
