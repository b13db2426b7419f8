import { type ControlPlane, crdsEstablished, kubectl, startControlPlane } from '@parley/devcluster'
import { customResourceDefinition } from '@parley/operator/api'
import {
  ApiClient,
  createMetrics,
  type K8sObject,
  MEETING_CLUSTERS,
  type Resource,
} from '@parley/operator/runtime'
import { sum } from './manager-process.ts'
import { cpuSecondsOf } from './process-figures.ts'

/** Where each bench's MeetingCluster is; its namespace tells it from the others. */
export const CLUSTER_NAME = 'demo'
const NODE = 'node-1'
const AT_A_TIME = 16

const core = (kind: string, plural: string, namespaced = true): Resource => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
})
const NAMESPACES = core('Namespace', 'namespaces', false)
const SERVICE_ACCOUNTS = core('ServiceAccount', 'serviceaccounts')
const PODS = core('Pod', 'pods')
const NODES = core('Node', 'nodes', false)

/**
 * etcd and an API server, freshly made, with nothing that acts on what is written: no controllers, no scheduler, no
 * nodes. A Node object with an external address, and in each namespace a TURN pod that says it is ready, stand in
 * for the rest, so that a MeetingCluster gets all of its children at once.
 */
export class Plane {
  readonly controlPlane: ControlPlane
  readonly client: ApiClient

  private constructor(controlPlane: ControlPlane, client: ApiClient) {
    this.controlPlane = controlPlane
    this.client = client
  }

  static async start(name: string): Promise<Plane> {
    const controlPlane = await startControlPlane({ name, controllers: false })
    try {
      const client = await ApiClient.connect(controlPlane.kubeconfig, createMetrics())
      const plane = new Plane(controlPlane, client)
      const crd = JSON.stringify(customResourceDefinition())
      await kubectl(controlPlane, ['apply', '-f', '-'], { input: crd })
      await crdsEstablished((args) => kubectl(controlPlane, args))
      await client.create(NODES, undefined, {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: NODE },
      })
      await client.applyStatus(NODES, undefined, NODE, {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: NODE },
        status: {
          addresses: [
            { type: 'InternalIP', address: '10.9.0.1' },
            { type: 'ExternalIP', address: '198.51.100.7' },
          ],
        },
      })
      return plane
    } catch (error) {
      await controlPlane.stop()
      throw error
    }
  }

  get kubeconfig(): string {
    return this.controlPlane.kubeconfig
  }

  /** CPU time of API server and etcd so far. */
  cpuSeconds(): number {
    return cpuSecondsOf('parley-kube', `/clusters/${this.controlPlane.name}/`)
  }

  async stop(): Promise<void> {
    await this.client.close()
    await this.controlPlane.stop()
  }

  /** Namespaces, each with a TURN pod and a MeetingCluster. */
  async seed(namespaces: readonly string[]): Promise<void> {
    await this.namespaces(namespaces)
    await inParallel(namespaces, async (namespace) => {
      await this.client.create(SERVICE_ACCOUNTS, namespace, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default' },
      })
      await this.#readyTurnPod(namespace)
      await this.client.create(MEETING_CLUSTERS, namespace, meetingCluster(namespace))
    })
  }

  async namespaces(names: readonly string[]): Promise<void> {
    await inParallel(names, (name) =>
      this.client.create(NAMESPACES, undefined, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      }),
    )
  }

  async #readyTurnPod(namespace: string) {
    const name = `${CLUSTER_NAME}-turn-0`
    const metadata = {
      name,
      labels: {
        'app.kubernetes.io/component': 'turn',
        'app.kubernetes.io/managed-by': 'parley',
        'parley.dev/cluster': CLUSTER_NAME,
      },
    }
    const spec = {
      nodeName: NODE,
      automountServiceAccountToken: false,
      containers: [{ name: 'turn', image: 'none' }],
    }
    await this.client.create(PODS, namespace, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
    await this.client.applyStatus(PODS, namespace, name, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    })
  }

  /**
   * Requests that changed something, by the API server's own count: everybody's, without dry runs, and without what it
   * asks of itself (a Service's address, its own Lease, its own flow control, and every ten seconds its own endpoint, of
   * which it then finds that it may not be on the loopback interface).
   */
  async serverWrites(): Promise<number> {
    const metrics = await kubectl(this.controlPlane, ['get', '--raw', '/metrics'])
    return sum(
      metrics,
      'apiserver_request_total',
      /dry_run="".*,resource="(?!ipaddresses|leases|endpoints|endpointslices|flowschemas|prioritylevelconfigurations|servicecidrs|apiservices).*verb="(APPLY|PATCH|POST|PUT|DELETE)"/,
    )
  }

  /** All that carries the operator's label, whole, of the kinds that a MeetingCluster's children are of. */
  async children(namespace: string): Promise<K8sObject[]> {
    const kinds = await this.#childKinds()
    const text = await kubectl(this.controlPlane, [
      ...['get', kinds, '-n', namespace, '-l', 'app.kubernetes.io/managed-by=parley'],
      ...['-o', 'json', '--show-managed-fields'],
    ])
    const { items } = JSON.parse(text) as { items: K8sObject[] }
    return items.filter(({ metadata }) =>
      metadata.managedFields?.some(
        ({ manager, operation }) => manager === 'parley' && operation === 'Apply',
      ),
    )
  }

  async #childKinds(): Promise<string> {
    const args = ['api-resources', '--verbs=list,patch', '--namespaced', '-o', 'name']
    const names = (await kubectl(this.controlPlane, args)).trim().split('\n')
    return names.filter((name) => !/^(pods|events|.*\.parley\.dev)/.test(name)).join(',')
  }
}

export function meetingCluster(namespace: string) {
  return {
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: CLUSTER_NAME, namespace },
    spec: { domain: 'meet.example.com', region: 'eu-central-1', sfu: { engine: 'None' } },
  }
}

/** `mc-0001` … */
export function namespaceNames(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(4, '0')}`)
}

async function inParallel<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (const item of left) await act(item)
    }),
  )
}
