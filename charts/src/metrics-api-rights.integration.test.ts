import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ApiClient, createMetrics, type K8sObject } from '@parley/operator/runtime'
import { MetricsApi } from '../../operator/src/metrics-api/index.ts'
import { serviceOnThisMachine } from '../../operator/src/metrics-api/testing/aggregation.ts'
import { ask } from '../../operator/src/metrics-api/testing/ask.ts'
import { TestCluster } from '../../operator/src/reconcile/testing/test-cluster.ts'
import { systemClock } from '../../operator/src/runtime/clock.ts'
import { metricsApiRules, metricsApiSecretRules, type PolicyRule } from './rbac.ts'

/** The rights of the metrics API, one after the other taken away. */

jest.setTimeout(180_000)

const SYSTEM = 'parley-system'
const NAME = 'parley-operator-metrics-api'
const EXTERNAL = 'v1beta1.external.metrics.k8s.io'
const CUSTOM = 'v1beta2.custom.metrics.k8s.io'
const SECRET = 'parley-metrics-api-tls'

let cluster: TestCluster
let folder: string

beforeAll(async () => {
  cluster = await TestCluster.start('metrics-api-rights')
  folder = await mkdtemp(join(tmpdir(), 'parley-rights-'))
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } })
})
let stop: (() => Promise<void>) | undefined
afterEach(() => stop?.())
afterAll(async () => {
  await cluster?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

interface Right {
  verb: string
  resource: string
  /** Of what; of everything where it is left out. */
  name?: string
  /** What has to be so for it to be needed. */
  before?: () => Promise<unknown>
}

const kubectl = (...args: string[]) => cluster.kubectl(...args)
const without = (name: string) => kubectl('delete', 'apiservice', name, '--ignore-not-found')
const apiService = (name: string, service: object, caBundle?: string) => {
  const [version = '', group = ''] = [
    name.slice(0, name.indexOf('.')),
    name.slice(name.indexOf('.') + 1),
  ]
  const priorities = { groupPriorityMinimum: 100, versionPriority: 100 }
  return cluster.apply({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name },
    spec: { group, version, ...priorities, service, ...(caBundle ? { caBundle } : {}) },
  })
}
const ours = { name: NAME, namespace: SYSTEM, port: 443 }

const rights: Right[] = [
  { verb: 'get', resource: 'secrets', name: SECRET },
  {
    verb: 'update',
    resource: 'secrets',
    name: SECRET,
    before: () =>
      kubectl(
        'patch',
        'secret',
        SECRET,
        '-n',
        SYSTEM,
        '--type=merge',
        '-p',
        '{"data":{"ca.key":""}}',
      ),
  },
  { verb: 'get', resource: 'configmaps' },
  { verb: 'get', resource: 'clusterroles', name: NAME },
  { verb: 'get', resource: 'apiservices', name: EXTERNAL },
  { verb: 'get', resource: 'apiservices', name: 'v1beta1.custom.metrics.k8s.io' },
  { verb: 'create', resource: 'apiservices', name: EXTERNAL, before: () => without(EXTERNAL) },
  { verb: 'create', resource: 'apiservices', name: CUSTOM, before: () => without(CUSTOM) },
  {
    verb: 'patch',
    resource: 'apiservices',
    name: EXTERNAL,
    before: () => apiService(EXTERNAL, ours, Buffer.from('old').toString('base64')),
  },
  { verb: 'delete', resource: 'apiservices', name: CUSTOM, before: () => apiService(CUSTOM, ours) },
  {
    verb: 'create',
    resource: 'secrets',
    before: () => kubectl('delete', 'secret', SECRET, '-n', SYSTEM, '--ignore-not-found'),
  },
]

describe('the rights of the metrics API', () => {
  it('are enough to serve, to register, and to ask who may read', async () => {
    const { api, lines } = await openWith('complete')
    await cluster.apply(...serviceOnThisMachine(SYSTEM, NAME, api.port))
    await api.register(AbortSignal.timeout(60_000), () => {})
    expect(api.external).toBe(true)
    expect(lines.join('')).not.toContain('lacks')
    expect(await askAsAdmin(api)).toBe(200)
  })

  it.each(
    rights.map((right) => ({
      right,
      title: `${right.verb} ${right.resource} ${right.name ?? ''}`,
    })),
  )('are all needed: without $title it says what it lacks', async ({ right }) => {
    const { api, lines } = await openWith('lacking', right, right.verb !== 'delete')
    await right.before?.()
    await api.register(AbortSignal.timeout(60_000), () => {})
    expect(lines.join('')).toMatch(
      new RegExp(`lacks the verb \\\\\\\\*"${right.verb}\\\\\\\\*" on \\\\\\\\*"${right.resource}`),
    )
  })

  it('include the question who may read: without it nobody reads', async () => {
    const right = { verb: 'create', resource: 'subjectaccessreviews' }
    const { api } = await openWith('unsure', right)
    await api.register(AbortSignal.timeout(60_000), () => {})
    expect(await askAsAdmin(api)).toBe(500)
  })
})

async function askAsAdmin(api: MetricsApi): Promise<number> {
  const pki = (file: string) =>
    readFile(join(dirname(cluster.controlPlane.kubeconfig), 'pki', file), 'utf8')
  const secret = await cluster.get('secret', SECRET, SYSTEM)
  const ca = Buffer.from(secret?.data?.['ca.crt'] ?? '', 'base64').toString()
  const { status } = await ask(
    { port: api.port, ca, host: `${NAME}.${SYSTEM}.svc` },
    '/apis/external.metrics.k8s.io/v1beta1/namespaces/a/parley_relay_mbps',
    {
      client: { certificate: await pki('front-proxy.crt'), key: await pki('front-proxy.key') },
      headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' },
    },
  )
  return status
}

/** The metrics API with an account that has all its rights but one. */
async function openWith(account: string, missing?: Right, custom = true) {
  await cluster.apply(...accountOf(account, missing))
  const token = await kubectl('create', 'token', account, '-n', SYSTEM)
  const kubeconfig = join(folder, account)
  await writeFile(kubeconfig, kubeconfigWith(token.trim()), { mode: 0o600 })
  const client = await ApiClient.connect(kubeconfig, createMetrics())
  const lines: string[] = []
  const api = await MetricsApi.open({
    client,
    events: { record: () => {} },
    figures: { ofClusters: async () => [], ofPods: async () => [] },
    metrics: ['parley_relay_mbps'],
    custom,
    port: 0,
    service: { name: NAME, namespace: SYSTEM },
    owner: NAME,
    clock: systemClock,
    random: Math.random,
    log: logTo(lines),
  })
  stop = async () => {
    await api.close()
    await client.close()
  }
  return { api, lines }
}

type Log = Parameters<typeof MetricsApi.open>[0]['log']

function logTo(lines: string[]): Log {
  const write = (fields: object) => lines.push(JSON.stringify(fields))
  return { warn: write, info: write, debug: write } as unknown as Log
}

function kubeconfigWith(token: string): string {
  const { server, kubeconfig } = cluster.controlPlane
  const ca = join(dirname(kubeconfig), 'pki', 'ca.crt')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority': ca } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

function accountOf(account: string, missing: Right | undefined): K8sObject[] {
  const group = 'rbac.authorization.k8s.io'
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace: SYSTEM }]
  const object = (kind: string, namespace: string | undefined, body: object) => ({
    apiVersion: `${group}/v1`,
    kind,
    metadata: {
      name: kind === 'ClusterRole' ? NAME : account,
      ...(namespace ? { namespace } : {}),
    },
    ...body,
  })
  const readsConfig = missing?.resource !== 'configmaps'
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: SYSTEM } },
    object('ClusterRole', undefined, { rules: rulesWithout(metricsApiRules, missing) }),
    object('ClusterRoleBinding', undefined, {
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: NAME },
      subjects,
    }),
    object('Role', SYSTEM, { rules: rulesWithout(metricsApiSecretRules, missing) }),
    object('RoleBinding', SYSTEM, {
      roleRef: { apiGroup: group, kind: 'Role', name: account },
      subjects,
    }),
    object('RoleBinding', 'kube-system', {
      roleRef: { apiGroup: group, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
      subjects: readsConfig ? subjects : [],
    }),
  ]
}

function rulesWithout(rules: readonly PolicyRule[], missing: Right | undefined): object[] {
  if (!missing) return [...rules]
  const { verb, resource, name } = missing
  return rules.flatMap((rule) => {
    const { resourceNames = [undefined] } = rule
    if (!rule.resources.includes(resource)) return [rule]
    return resourceNames.flatMap((each) => {
      const isMeant = name === each || name === undefined
      const verbs = isMeant ? rule.verbs.filter((other) => other !== verb) : rule.verbs
      if (verbs.length === 0) return []
      return [{ ...rule, verbs, ...(each === undefined ? {} : { resourceNames: [each] }) }]
    })
  })
}
