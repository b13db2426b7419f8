import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  eventually,
  TestCluster,
  type TestObject,
  TestOperator,
} from '../reconcile/testing/test-cluster.ts'
import { serviceOnThisMachine } from './testing/aggregation.ts'
import { ask } from './testing/ask.ts'

/** A real API server, whose aggregator passes requests on to a real operator. */

jest.setTimeout(120_000)

const SYSTEM = 'parley-system'
const SERVICE = 'parley-operator-metrics-api'
const API_SERVICE = 'v1beta1.external.metrics.k8s.io'
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1'
const CUSTOM = '/apis/custom.metrics.k8s.io/v1beta2'
const OWNER = 'parley-operator-metrics-api'

let cluster: TestCluster
let operator: TestOperator

function startOperator(custom: boolean): TestOperator {
  return new TestOperator(cluster, {
    leaseNamespace: SYSTEM,
    metricsApi: { port: 0, service: SERVICE, custom, owner: OWNER },
  })
}

async function exposeOperator(): Promise<void> {
  const port = await operator.metricsApiPort()
  await cluster.apply(...serviceOnThisMachine(SYSTEM, SERVICE, port))
}

beforeAll(async () => {
  cluster = await TestCluster.start('metrics-api')
  await cluster.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: OWNER },
      rules: [],
    },
  )
  operator = startOperator(true)
  await exposeOperator()
  await cluster.meetingCluster('meetings')
}, 120_000)

afterAll(async () => {
  await operator?.stop()
  await cluster?.stop()
})

async function raw(path: string, ...flags: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await cluster.kubectl('get', '--raw', path, ...flags))
}

async function externalMetricsOf(namespace: string): Promise<string[]> {
  const hpa = await cluster.get('hpa', 'demo-turn', namespace)
  const metrics: { external?: { metric: { name: string } } }[] = hpa?.spec.metrics ?? []
  return metrics.flatMap(({ external }) => external?.metric.name ?? [])
}

describe('the aggregated API', () => {
  it('is registered with its own authority, belongs to the install, and becomes available', async () => {
    const registered = await eventually(async () => {
      const found = await cluster.get<ApiServiceObject>('apiservice', API_SERVICE, '')
      const available = found?.status?.conditions?.find(({ type }) => type === 'Available')
      expect(available).toMatchObject({ status: 'True' })
      return found
    })
    expect(registered?.spec).toMatchObject({
      service: { name: SERVICE, namespace: SYSTEM, port: 443 },
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
    })
    expect(registered?.spec.insecureSkipTLSVerify).toBeUndefined()
    expect(registered?.metadata.ownerReferences?.[0]).toMatchObject({
      kind: 'ClusterRole',
      name: OWNER,
    })
  })

  it('answers kubectl get --raw, and says what it has', async () => {
    const path = `${EXTERNAL}/namespaces/meetings/parley_relay_mbps`
    expect(await eventually(() => raw(path))).toMatchObject({
      kind: 'ExternalMetricValueList',
      items: [],
    })
    const pods = `${CUSTOM}/namespaces/meetings/pods/*/parley_relay_mbps`
    expect(await eventually(() => raw(pods))).toMatchObject({ kind: 'MetricValueList', items: [] })
    const { resources } = (await raw(EXTERNAL)) as { resources: { name: string }[] }
    expect(resources.map(({ name }) => name)).toEqual([
      'parley_relay_mbps',
      'parley_relay_allocations',
      'parley_sfu_tracks',
      'parley_sfu_rooms',
      'parley_signaling_sockets',
    ])
    // The API server has taken both groups into the discovery that every client reads.
    await eventually(async () => {
      const text = await cluster.kubectl('api-resources', '--no-headers', '-o', 'name')
      expect(text).toContain('parley_sfu_tracks.external.metrics.k8s.io')
    })
    const custom = (await raw(CUSTOM)) as { resources: { name: string }[] }
    expect(custom.resources.map(({ name }) => name)).toContain('pods/parley_relay_mbps')
  })

  it('shows figures to users whom RBAC lets read them, in their namespaces', async () => {
    const path = (namespace: string) => `${EXTERNAL}/namespaces/${namespace}/parley_relay_mbps`
    await expect(raw(path('meetings'), '--as=jane')).rejects.toThrow(/Forbidden|forbidden/)
    await cluster.kubectl(
      ...['create', 'role', 'reader', '-n', 'meetings', '--verb=list'],
      '--resource=parley_relay_mbps.external.metrics.k8s.io',
    )
    await cluster.kubectl(
      ...['create', 'rolebinding', 'jane', '-n', 'meetings', '--role=reader', '--user=jane'],
    )
    await eventually(() => raw(path('meetings'), '--as=jane'))
    await expect(raw(path('default'), '--as=jane')).rejects.toThrow(/Forbidden|forbidden/)
  })

  it('does not answer whoever reaches it past the API server, be it an administrator', async () => {
    const { spec } = (await cluster.get<ApiServiceObject>('apiservice', API_SERVICE, '')) ?? {}
    const server = {
      port: await operator.metricsApiPort(),
      ca: Buffer.from(spec?.caBundle ?? '', 'base64').toString(),
      host: `${SERVICE}.${SYSTEM}.svc`,
    }
    const pki = (file: string) =>
      readFile(join(dirname(cluster.controlPlane.kubeconfig), 'pki', file), 'utf8')
    const pair = async (name: string) => ({
      certificate: await pki(`${name}.crt`),
      key: await pki(`${name}.key`),
    })
    const path = `${EXTERNAL}/namespaces/meetings/parley_relay_mbps`
    const headers = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' }
    expect((await ask(server, path, { headers })).status).toBe(401)
    const admin = await pair('admin')
    expect((await ask(server, path, { headers, client: admin })).status).toBe(401)
    const frontProxy = await pair('front-proxy')
    expect((await ask(server, path, { headers, client: frontProxy })).status).toBe(200)
    const stranger = { 'x-remote-user': 'nobody', 'x-remote-group': 'system:authenticated' }
    expect((await ask(server, path, { headers: stranger, client: frontProxy })).status).toBe(403)
    // What there is may be known to everybody who has signed in.
    expect((await ask(server, EXTERNAL, { headers: stranger, client: frontProxy })).status).toBe(
      200,
    )
  })

  it('REQ-K2: autoscalers go by it', async () => {
    await eventually(async () =>
      expect(await externalMetricsOf('meetings')).toEqual(['parley_relay_mbps']),
    )
  })

  it('a restart writes nothing', async () => {
    const versions = () =>
      cluster.kubectl(
        ...['get', 'apiservices,hpa,deployments,secrets', '-A', '--no-headers'],
        ...['-o', 'custom-columns=:kind,:metadata.name,:metadata.generation,:data'],
      )
    await operator.quiet()
    const before = await versions()
    await operator.stop()
    operator = startOperator(true)
    await exposeOperator()
    await operator.quiet()
    expect(await versions()).toBe(before)
  })

  it('what is no longer to be served is taken away', async () => {
    await operator.stop()
    operator = startOperator(false)
    await exposeOperator()
    await eventually(async () => {
      const text = await cluster.kubectl('get', 'apiservices', '-o', 'name')
      expect(text).not.toContain('custom.metrics')
      expect(text).toContain(API_SERVICE)
    })
  })

  it('an API of somebody else is left alone, which is said once; autoscalers then go by CPU', async () => {
    await operator.stop()
    await cluster.kubectl('delete', 'apiservice', API_SERVICE)
    const service = { name: 'keda-operator-metrics-apiserver', namespace: 'keda', port: 443 }
    const theirs = {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: API_SERVICE },
      spec: {
        group: 'external.metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service,
      },
    }
    await cluster.apply(theirs)
    operator = startOperator(false)
    await eventually(async () => expect(await externalMetricsOf('meetings')).toEqual([]))
    const found = await cluster.get<ApiServiceObject>('apiservice', API_SERVICE, '')
    expect(found?.spec.service).toEqual(service)
    expect(found?.spec.caBundle).toBeUndefined()
    const events = await eventually(async () => {
      const text = await cluster.kubectl(
        ...['get', 'events', '-n', 'default', '--field-selector=reason=MetricsApiTaken'],
        ...['-o', 'jsonpath={.items[*].message}'],
      )
      expect(text).not.toBe('')
      return text
    })
    expect(events.match(/keda\/keda-operator-metrics-apiserver/g)).toHaveLength(1)
  })

  it('goes with the install', async () => {
    await operator.stop()
    await cluster.kubectl('delete', 'apiservice', API_SERVICE)
    operator = startOperator(false)
    await eventually(() => cluster.kubectl('get', 'apiservice', API_SERVICE))
    await operator.stop()
    await cluster.kubectl('delete', 'clusterrole', OWNER)
    await eventually(async () => {
      const text = await cluster.kubectl('get', 'apiservices', '-o', 'name')
      expect(text).not.toContain(API_SERVICE)
    })
  })
})

interface ApiServiceObject extends TestObject {
  spec: {
    caBundle?: string
    insecureSkipTLSVerify?: boolean
    service: { name: string; namespace: string; port: number }
  }
}
