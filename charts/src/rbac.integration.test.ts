import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  ApiClient,
  createMetrics,
  type K8sObject,
  MEETING_CLUSTERS,
  SECRETS,
} from '@parley/operator/runtime'
import {
  certificateCrd,
  storageClass,
  stubCrd,
} from '../../operator/src/reconcile/testing/foreign-kinds.ts'
import {
  eventually,
  TestCluster,
  type TestObject,
  TestOperator,
} from '../../operator/src/reconcile/testing/test-cluster.ts'
import {
  clusterRules,
  leaseRules,
  managerRules,
  type PolicyRule,
  rememberRules,
  reportRules,
} from './rbac.ts'

jest.setTimeout(420_000)

const rules = [...managerRules, ...clusterRules, ...leaseRules]

/** One verb on one resource: what is taken away to see what it was for. */
interface Right {
  resource: string
  verb: string
  /** As the operator names it: `"patch" on "deployments.apps"`. */
  name: string
}

const rights: Right[] = rules.flatMap(({ apiGroups, resources, verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => right(apiGroups[0] ?? '', resource, verb))),
)

function right(group: string, resource: string, verb: string): Right {
  const [plural = '', subresource] = resource.split('/')
  const named = group ? `${plural}.${group}` : plural
  const full = subresource ? `${named}/${subresource}` : named
  return { resource: full, verb, name: `"${verb}" on "${full}"` }
}

/** Without some of these nothing else is done, and others need everything else to be done: each is missing alone. */
const ALONE = /^(secrets|meetingclusters.*|leases\..*|pods|services\/proxy)$/

/**
 * Operators, each with the role but some rights. One operator lacks at most one verb of a resource, and only rights
 * whose absence does not hide that of another: with a few operators each right is missed once. Verbs of one kind and
 * kinds of one verb are spread out.
 */
function groupsOf(all: readonly Right[]): Right[][] {
  const shared: Right[][] = []
  const alone: Right[][] = []
  const resources = [...new Set(all.map(({ resource }) => resource))]
  for (const each of all) {
    if (ALONE.test(each.resource)) alone.push([each])
    else {
      const verbs = all.filter(({ resource }) => resource === each.resource)
      const index = (resources.indexOf(each.resource) + verbs.indexOf(each)) % OPERATORS
      shared[index] = [...(shared[index] ?? []), each]
    }
  }
  return [...shared.filter((group) => group !== undefined), ...alone]
}

/** That share out the rights which hide no other; as many as a resource has verbs, at least. */
const OPERATORS = 6

function rulesWithout(missing: readonly Right[]): PolicyRule[] {
  return rules.flatMap(({ apiGroups, resources, verbs, ...rest }) =>
    resources.flatMap((resource) => {
      const left = verbs.filter((verb) => {
        const { name } = right(apiGroups[0] ?? '', resource, verb)
        return missing.every((each) => each.name !== name)
      })
      return left.length > 0 ? [{ ...rest, apiGroups, resources: [resource], verbs: left }] : []
    }),
  )
}

let cluster: TestCluster
/** The administrator's. */
let api: ApiClient
const operators: TestOperator[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('rbac')
  api = await ApiClient.connect(cluster.controlPlane.kubeconfig, createMetrics())
  await cluster.apply(
    storageClass,
    stubCrd('monitoring.coreos.com', 'v1', 'ServiceMonitor'),
    stubCrd('monitoring.coreos.com', 'v1', 'PrometheusRule'),
    certificateCrd,
  )
  await cluster.node('media', '192.0.2.1')
})
afterAll(async () => {
  // One without a right to its lease has ended by itself, with an error.
  await Promise.allSettled(operators.map((operator) => operator.stop()))
  await api?.close()
  await cluster?.stop()
})

/** Something of every kind. */
const full = {
  sfu: { engine: 'LiveKit', replicas: 1 },
  turn: { replicas: 1, externalAddresses: ['192.0.2.1'], tls: { issuerRef: { name: 'ca' } } },
  webapp: { ingress: { enabled: true } },
  monitoring: { serviceMonitor: true, rules: true, dashboards: true },
}
/** As little as possible: the rest is to be deleted. */
const lean = {
  sfu: { engine: 'None' },
  turn: { replicas: 1, externalAddresses: ['192.0.2.1'], deniedPeers: ['203.0.113.0/24'] },
  webapp: { enabled: false },
  monitoring: { serviceMonitor: false, rules: false, dashboards: false },
  redis: { mode: 'External', external: { url: 'redis://192.0.2.9:6379' } },
}

const meetingCluster = (namespace: string, spec: object) => ({
  apiVersion: 'parley.dev/v1alpha1',
  kind: 'MeetingCluster',
  metadata: { name: 'demo', namespace },
  spec: { domain: 'meet.example.com', region: 'eu-central-1', ...spec },
})

describe('the rights of the operator', () => {
  it('REQ-K1: each verb is used: without it the operator says which verb on which resource it lacks', async () => {
    const groups = groupsOf(rights)
    const names = groups.map((_, index) => `g${index}`)
    await cluster.apply(
      ...groups.flatMap((missing, index) => accountOf(names[index] ?? '', missing)),
      ...accountOf('complete', []),
    )
    const lacks = (index: number, resource: RegExp) =>
      groups[index]?.some((each) => resource.test(each.resource)) ?? false
    const kubeconfigs = await kubeconfigsOf(['complete', ...names])
    const examples = await childrenMade('complete', kubeconfigs.get('complete') ?? '')
    // Of a name that is taken, the operator has to find out whose it is.
    await cluster.apply(
      ...groups.flatMap((missing, index) =>
        missing
          .filter(({ verb }) => verb === 'get')
          .flatMap(({ resource }) => foreign(examples, resource, names[index] ?? '')),
      ),
    )
    // Who lacks a right that hides all others need not make everything.
    const makesAll = (missing: readonly Right[]) =>
      missing.some(({ resource, verb }) => verb === 'delete' || /^(pods|services)/.test(resource))
    const first = (index: number) => (makesAll(groups[index] ?? []) ? full : lean)
    await cluster.apply(...names.map((name, index) => meetingCluster(name, first(index))))
    const restricted = names.map((namespace, index) => {
      const kubeconfig = kubeconfigs.get(namespace) ?? ''
      const leaderElect = lacks(index, /^leases/)
      return new TestOperator(cluster, { kubeconfig, namespace, leaderElect })
    })
    operators.push(...restricted)

    /** Of all that is missing, what nobody has complained of yet. */
    const unseen = new Set(
      groups.flatMap((missing, index) => missing.map(({ name }) => `${index} ${name}`)),
    )
    const look = async () => {
      const clusters = ((await api.list(MEETING_CLUSTERS, undefined)).items ?? []) as TestObject[]
      groups.forEach((missing, index) => {
        const mc = clusters.find(({ metadata }) => metadata.namespace === names[index])
        const told = `${restricted[index]?.logs}${JSON.stringify(mc?.status?.conditions)}`
        const said = new Set(
          told.match(/lacks the verb [^(]+/g)?.map((text) => text.replaceAll('\\', '').trim()),
        )
        for (const { name } of missing)
          if (said.has(`lacks the verb ${name}`)) unseen.delete(`${index} ${name}`)
      })
    }
    const remaining = (pattern: RegExp) => [...unseen].filter((key) => pattern.test(key))

    await eventually(async () => {
      await look()
      expect(
        remaining(/"(get|list|watch|create|update|patch)" on "(?!pods|services\/proxy)/),
      ).toEqual([])
    }, PATIENCE)

    // The meter is asked for its figures as soon as it is ready.
    await cluster.nodeIsReady('media')
    const metered = names.filter((_, index) => lacks(index, /^services\/proxy$/))
    await Promise.all(metered.map((name) => cluster.runPods(name, 'meter', 'media')))
    await eventually(async () => {
      await look()
      expect(remaining(/services\/proxy/)).toEqual([])
    }, PATIENCE)
    await cluster.apply(...names.map((name) => meetingCluster(name, lean)))
    await eventually(async () => {
      await look()
      expect([...unseen]).toEqual([])
    }, PATIENCE)
  })
})

describe('the rights to remember', () => {
  it('REQ-K1: beside the Lease each verb is used: without it the operator says so, and works all the same', async () => {
    const verbs = rememberRules.flatMap(({ verbs }) => verbs)
    const names = [...verbs.map((verb) => `without-${verb}`), 'with-all']
    await cluster.apply(...names.flatMap((name, index) => rememberingAccount(name, verbs[index])))
    const kubeconfigs = await kubeconfigsOf(names)
    await cluster.apply(...names.map((name) => meetingCluster(name, lean)))
    const started = names.map((namespace) => {
      const kubeconfig = kubeconfigs.get(namespace) ?? ''
      const leaseNamespace = `${namespace}-own`
      return new TestOperator(cluster, { kubeconfig, namespace, leaseNamespace, build: 'one' })
    })
    operators.push(...started)
    for (const operator of started) {
      await eventually(async () => expect(operator.logs).toContain('"applied"'), PATIENCE)
      await operator.quiet()
      await operator.stop()
    }
    const complaints = started.map(({ logs }) => [
      ...new Set(logs.replaceAll('\\', '').match(/lacks the verb "\w+" on "\w+"/g)),
    ])
    expect(complaints).toEqual([
      ...verbs.map((verb) => [`lacks the verb "${verb}" on "configmaps"`]),
      [],
    ])
    const stored = await cluster.get('cm', 'parley-manager-remembered', 'with-all-own')
    expect(stored?.data?.states).toMatch(/^[\w-]{16}$/)
  })
})

/** With its ConfigMaps in one namespace and its Lease in another one, where it lacks a verb. */
function rememberingAccount(name: string, missing: string | undefined): object[] {
  const own = `${name}-own`
  const others = accountOf(
    name,
    rights.filter(({ resource }) => resource === 'configmaps'),
  )
  const granted = (namespace: string, rules: PolicyRule[]) => {
    const metadata = { name, namespace }
    const rbac = 'rbac.authorization.k8s.io'
    return [
      { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: rbac, kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: name }],
      },
    ]
  }
  const there = managerRules
    .filter(({ resources }) => resources.includes('configmaps'))
    .map((rule) => ({ ...rule, resources: ['configmaps'] }))
  const beside = rememberRules
    .map((rule) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== missing) }))
    .filter(({ verbs }) => verbs.length > 0)
  return [
    ...others,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: own } },
    ...granted(name, there),
    ...granted(own, beside),
  ]
}

/** Many operators share this machine here. */
const PATIENCE = { withinMs: 180_000, everyMs: 500 }

/** What an operator with every right makes of the same MeetingCluster; it complains of nothing. */
async function childrenMade(namespace: string, kubeconfig: string): Promise<TestObject[]> {
  const operator = new TestOperator(cluster, { kubeconfig, namespace })
  operators.push(operator)
  await cluster.apply(meetingCluster(namespace, full))
  const kinds = [...new Set(rights.filter(({ verb }) => verb === 'get').map((r) => r.resource))]
  const made = kinds.filter((kind) => !/\/|^leases/.test(kind))
  return eventually(async () => {
    const label = 'app.kubernetes.io/managed-by=parley'
    const items = (
      await Promise.all(made.map((kind) => cluster.list(kind, namespace, label)))
    ).flat()
    const missing = made.filter((resource) => foreign(items, resource, '').length === 0)
    expect(missing).toEqual([])
    expect(operator.logs).not.toContain('not allowed')
    return items
  }, PATIENCE)
}

/** An object of somebody else, with the name of one of ours. */
function foreign(examples: TestObject[], resource: string, namespace: string): object[] {
  const [plural = ''] = resource.split('.')
  const example = examples.find(({ kind }) =>
    [`${kind}s`, `${kind}es`, kind.replace(/y$/, 'ies')].some(
      (name) => name.toLowerCase() === plural,
    ),
  )
  if (!example) return []
  const { status: _, metadata, ...rest } = example
  const spec =
    example.kind === 'Service'
      ? { ...rest.spec, clusterIP: undefined, clusterIPs: undefined }
      : rest.spec
  return [{ ...rest, spec, metadata: { name: metadata.name, namespace } }]
}

function accountOf(name: string, missing: readonly Right[]): object[] {
  const rbac = 'rbac.authorization.k8s.io'
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: name } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: {
        name: 'token',
        namespace: name,
        annotations: { 'kubernetes.io/service-account.name': name },
      },
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name },
      // Reports have a test of their own: what they need comes a while after the start.
      rules: [...rulesWithout(missing), ...reportRules],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: name }],
    },
  ]
}

/** A kubeconfig with the token of each account, by its name. */
async function kubeconfigsOf(accounts: readonly string[]): Promise<Map<string, string>> {
  const view = await cluster.kubectl('config', 'view', '--raw', '-o', 'json')
  const tokens = await eventually(async () => {
    const list = await api.list(SECRETS, undefined)
    const secrets = (list.items ?? []) as (K8sObject & { data?: { token?: string } })[]
    const found = new Map(
      secrets.flatMap(({ metadata, data }) =>
        metadata.name === 'token' && data?.token ? [[metadata.namespace ?? '', data.token]] : [],
      ),
    )
    if (!accounts.every((account) => found.has(account))) throw new Error('tokens are not made yet')
    return found
  })
  return new Map(
    await Promise.all(
      accounts.map(async (account) => {
        const config = JSON.parse(view) as { users: { user: object }[] }
        const token = Buffer.from(tokens.get(account) ?? '', 'base64').toString()
        for (const user of config.users) user.user = { token }
        const file = `${cluster.controlPlane.kubeconfig}.${account}`
        await writeFile(file, JSON.stringify(config), { mode: 0o600 })
        return [account, file] as const
      }),
    ),
  )
}
