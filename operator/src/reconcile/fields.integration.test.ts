import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type ControlPlane, startControlPlane } from '@parley/devcluster'
import { ApiClient } from '../runtime/client.ts'
import { createMetrics } from '../runtime/metrics.ts'
import type { Message } from '../runtime/protobuf.ts'
import {
  apiVersionOf,
  CONFIG_MAPS,
  DEPLOYMENTS,
  type K8sObject,
  NODES,
  PODS,
  type Resource,
  SERVICE_ACCOUNTS,
  SERVICES,
  STATEFUL_SETS,
} from '../runtime/resources.ts'
import { CHILD, DEPLOYMENT, NODE, POD, SERVICE, STATEFUL_SET } from './fields.ts'
import {
  projectChild,
  projectNode,
  projectPod,
  projectService,
  projectWorkload,
} from './observed.ts'

jest.setTimeout(240_000)

let controlPlane: ControlPlane
let client: ApiClient

beforeAll(async () => {
  controlPlane = await startControlPlane({ name: `fields-${process.pid}`, controllers: false })
  client = await ApiClient.connect(controlPlane.kubeconfig, createMetrics())
  // What a controller makes elsewhere, and no pod is without.
  await client.create(SERVICE_ACCOUNTS, 'default', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  })
  // No controller makes it here, and no pod is admitted without.
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
  await client.apply(SERVICE_ACCOUNTS, 'default', 'default', JSON.stringify(account))
})
afterAll(async () => {
  await client?.close()
  await controlPlane?.stop()
})

const labels = { 'parley.dev/cluster': 'demo', 'app.kubernetes.io/component': 'turn' }
const template = {
  metadata: { labels },
  spec: { containers: [{ name: 'turn', image: 'registry.example.com/turn:1' }] },
}
const workload = { replicas: 3, selector: { matchLabels: labels }, template }
const condition = { status: 'True', lastTransitionTime: '2026-11-01T10:00:00Z' }
const counts = { observedGeneration: 1, replicas: 4, readyReplicas: 2, updatedReplicas: 1 }

/** Each with whatever its projection looks at. */
const objects: {
  resource: Resource
  fields?: Message
  project: (object: K8sObject) => object
  content: object
  status?: object
}[] = [
  {
    resource: DEPLOYMENTS,
    fields: DEPLOYMENT,
    project: projectWorkload,
    content: {
      spec: {
        ...workload,
        paused: true,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      },
    },
    status: {
      ...counts,
      conditions: [
        { type: 'ReplicaFailure', reason: 'FailedCreate', message: 'no quota', ...condition },
        { type: 'Progressing', reason: 'NewReplicaSetAvailable', ...condition },
      ],
    },
  },
  {
    resource: STATEFUL_SETS,
    fields: STATEFUL_SET,
    project: projectWorkload,
    content: {
      spec: {
        ...workload,
        serviceName: 'probe',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
      },
    },
    status: counts,
  },
  {
    resource: SERVICES,
    fields: SERVICE,
    project: projectService,
    content: { spec: { type: 'LoadBalancer', ports: [{ name: 'turn', port: 3478 }] } },
    status: { loadBalancer: { ingress: [{ ip: '198.51.100.9' }, { hostname: 'lb.example.com' }] } },
  },
  {
    resource: PODS,
    fields: POD,
    project: projectPod,
    content: {
      spec: { nodeName: 'n1', automountServiceAccountToken: false, ...template.spec },
    },
    status: {
      phase: 'Running',
      podIP: '10.1.2.3',
      startTime: '2026-11-01T10:00:00Z',
      conditions: [{ type: 'Ready', message: 'later', ...condition, status: 'False' }],
      containerStatuses: [
        {
          ...{ name: 'turn', image: 'registry.example.com/turn:1', imageID: '', ready: false },
          restartCount: 3,
          state: { running: { startedAt: '2026-11-01T10:00:01Z' } },
        },
      ],
    },
  },
  {
    resource: NODES,
    fields: NODE,
    project: projectNode,
    content: {
      spec: {
        podCIDR: '10.244.0.0/24',
        podCIDRs: ['10.244.0.0/24'],
        unschedulable: true,
        taints: [
          { key: 'dedicated', value: 'media', effect: 'NoSchedule' },
          { key: 'gone', effect: 'NoExecute' },
        ],
      },
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: '10.9.0.1' },
        { type: 'ExternalIP', address: '198.51.100.7' },
      ],
      conditions: [{ type: 'Ready', reason: 'KubeletReady', ...condition }],
    },
  },
  { resource: CONFIG_MAPS, project: projectChild, content: { data: { size: 'größe <&>' } } },
]

describe('what is known of an object', () => {
  it.each(objects)(
    'REQ-K1: is the same from protobuf as from JSON: $resource.kind',
    async ({ resource, fields, project, content, status }) => {
      const namespace = resource.namespaced ? 'default' : undefined
      const { kind } = resource
      const metadata = { name: 'probe', labels, annotations: { 'parley.dev/hash': 'h' } }
      const body = { apiVersion: apiVersionOf(resource), kind, metadata }
      const reading = fields ? { fields } : { metadataOnly: true, fields: CHILD }

      const written = await client.apply(
        ...([resource, namespace, 'probe', JSON.stringify({ ...body, ...content })] as const),
        fields ? { fields } : {},
      )
      const whole = await client.get<K8sObject>(resource, namespace, 'probe')
      expect(project(written)).toEqual(project(whole))

      if (status) await client.applyStatus(resource, namespace, 'probe', { ...body, status })
      const known = project(await client.get<K8sObject>(resource, namespace, 'probe'))
      const { items, metadata: list } = await client.list(resource, namespace, {}, reading)
      const listed = items?.find((item) => item.metadata.name === 'probe')
      expect(listed && project(listed)).toEqual(known)

      const stop = new AbortController()
      const from = { resourceVersion: list.resourceVersion, timeoutSeconds: 60 }
      const events = client.watch(resource, namespace, from, { ...reading, signal: stop.signal })
      await client.mergePatch(resource, namespace, 'probe', {
        metadata: { labels: { seen: 'yes' } },
      })
      const { value } = await events.next()
      stop.abort()
      expect(value?.[0]?.type).toBe('MODIFIED')
      const changed = await client.get<K8sObject>(resource, namespace, 'probe')
      expect(project(value?.[0]?.object as K8sObject)).toEqual(project(changed))
      expect(project(changed)).not.toEqual(known)
    },
  )
})
