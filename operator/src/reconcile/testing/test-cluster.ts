import { type ControlPlane, kubectl, startControlPlane } from '@parley/devcluster'
import { type Logger, pino } from 'pino'
import { customResourceDefinition } from '../../api/index.ts'
import type { K8sObject } from '../../runtime/resources.ts'
import { type ManagerOptions, type Ports, runManager } from '../manager.ts'
import { ApiServer } from './api-server.ts'

/** For integration tests: a real control plane with the CRD, and operators started and stopped at will. */
export class TestCluster {
  readonly controlPlane: ControlPlane
  readonly #api: ApiServer

  private constructor(controlPlane: ControlPlane, api: ApiServer) {
    this.controlPlane = controlPlane
    this.#api = api
  }

  static async start(name: string): Promise<TestCluster> {
    const controlPlane = await startControlPlane({ name })
    const api = await ApiServer.open(controlPlane.server, controlPlane.kubeconfig)
    const cluster = new TestCluster(controlPlane, api)
    await cluster.apply(customResourceDefinition())
    await eventually(() => cluster.list('mc', 'default'))
    return cluster
  }

  stop(): Promise<void> {
    this.#api.close()
    return this.controlPlane.stop()
  }

  /** What people would see: it takes its time. */
  kubectl(...args: string[]): Promise<string> {
    return kubectl(this.controlPlane, args)
  }

  async apply(...objects: object[]): Promise<void> {
    for (const object of objects) await this.#api.apply(object as K8sObject)
  }

  /** @param kind as kubectl takes it */
  list(kind: string, namespace: string, selector?: string): Promise<TestObject[]> {
    return this.#api.list(kind, namespace, selector) as Promise<TestObject[]>
  }

  /** A JSON merge patch. */
  patch(kind: string, name: string, namespace: string, body: object): Promise<void> {
    return this.#api.patch(kind, name, namespace, body)
  }

  /** @param annotations null takes one away */
  annotate(
    kind: string,
    name: string,
    namespace: string,
    annotations: Record<string, string | null>,
  ): Promise<void> {
    return this.patch(kind, name, namespace, { metadata: { annotations } })
  }

  /** Resolves when it is gone. */
  delete(kind: string, name: string, namespace: string): Promise<void> {
    return this.#api.delete(kind, name, namespace)
  }

  async get<T = TestObject>(kind: string, name: string, namespace: string): Promise<T | undefined> {
    return (await this.#api.get(kind, name, namespace)) as T | undefined
  }

  /** All objects of ours in a namespace, by `Kind/name`. */
  async children(namespace: string): Promise<Map<string, TestObject>> {
    const items = await Promise.all(
      CHILD_KINDS.map((kind) => this.list(kind, namespace, 'app.kubernetes.io/managed-by=parley')),
    )
    return new Map(items.flat().map((item) => [`${item.kind}/${item.metadata.name}`, item]))
  }

  /** A namespace with a MeetingCluster `demo` in it. Of its own accord nothing scales: that would be a change. */
  async meetingCluster(namespace: string, spec: object = {}): Promise<void> {
    await this.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'parley.dev/v1alpha1',
        kind: 'MeetingCluster',
        metadata: { name: 'demo', namespace },
        spec: {
          domain: 'meet.example.com',
          region: 'eu-central-1',
          sfu: { engine: 'None' },
          signaling: { replicas: 1 },
          webapp: { replicas: 1 },
          ...spec,
        },
      },
    )
  }

  /** The condition of `demo`, once it is as asked. */
  condition(namespace: string, type: string, want: Partial<TestCondition>): Promise<TestCondition> {
    return eventually(async () => {
      const found = await this.get('mc', 'demo', namespace)
      const condition = found?.status?.conditions?.find((entry) => entry.type === type)
      const asked = Object.entries(want).every(
        ([key, value]) => condition?.[key as keyof TestCondition] === value,
      )
      if (!condition || !asked) throw new Error(`${type} is ${JSON.stringify(condition)}`)
      return condition
    })
  }

  /** Resolves when Kubernetes has made and counted the pods of so many workloads of `demo`, and the status says so. */
  counted(namespace: string, workloads = WITHOUT_SIGNALING): Promise<void> {
    return eventually(async () => {
      const found = await this.get('mc', 'demo', namespace)
      const components = Object.entries(found?.status?.components ?? {})
      const made = components.filter(([, { desired, updated }]) => updated === desired)
      if (made.length !== workloads)
        throw new Error(`the pods of ${made.map(([name]) => name).join(', ')} are there alone`)
    })
  }

  /** A node with this ExternalIP, if any; nothing runs on it. */
  async node(name: string, externalIp?: string, internalIp = '10.9.0.1'): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name } })
    const addresses = [{ type: 'InternalIP', address: internalIp }]
    if (externalIp) addresses.push({ type: 'ExternalIP', address: externalIp })
    await this.patchStatus('node', name, 'default', { addresses })
  }

  podsOf(namespace: string, component: string): Promise<TestObject[]> {
    return this.list('pods', namespace, `app.kubernetes.io/component=${component}`)
  }

  /** Plays scheduler and kubelet for the pods of one component. */
  async runPods(namespace: string, component: string, node: string, least = 1): Promise<void> {
    await eventually(async () => {
      const items = await this.podsOf(namespace, component)
      if (items.length < least) throw new Error(`${items.length} pods of ${component} yet`)
      for (const pod of items) await this.runPod(pod, node)
    })
  }

  /** The same for one. */
  async runPod({ metadata, spec }: TestObject, node: string): Promise<void> {
    const { name, namespace = 'default' } = metadata
    if (!spec.nodeName) await this.bind(name, namespace, node)
    await this.patchStatus('pod', name, namespace, {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
    })
  }

  /** What its kubelet says: unless said again, it counts as lost after some seconds. */
  async nodeIsReady(name: string): Promise<void> {
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'Test', message: '', lastHeartbeatTime: now },
    ]
    await this.patchStatus('node', name, 'default', { conditions })
    await this.patch('node', name, 'default', { spec: { taints: null } })
  }

  async bind(pod: string, namespace: string, node: string): Promise<void> {
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod, namespace },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    await this.#api.create(`/api/v1/namespaces/${namespace}/pods/${pod}/binding`, binding)
  }

  patchStatus(kind: string, name: string, namespace: string, status: object): Promise<void> {
    return this.#api.patch(kind, name, namespace, { status }, 'status')
  }

  /** Kills the API server as a crash would. */
  killApiServer(): Promise<void> {
    return this.controlPlane.crashApiServer()
  }

  /** Starts what is not running, on the same ports. */
  async restartApiServer(): Promise<void> {
    await startControlPlane({ name: this.controlPlane.name })
  }
}

const CHILD_KINDS = ['sa', 'cm', 'secret', 'svc', 'pvc', 'deploy', 'sts', 'hpa', 'pdb', 'netpol']

/** TURN, web page, Redis and meter: signaling is held while no TURN pod is ready. */
const WITHOUT_SIGNALING = 4

export interface TestCondition {
  type: string
  status: string
  reason: string
  message: string
  lastTransitionTime: string
}

export interface TestObject extends K8sObject {
  kind: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look anywhere into objects of many kinds
  spec?: any
  data?: Record<string, string>
  status?: {
    observedGeneration?: number
    conditions?: TestCondition[]
    components?: Record<string, { desired: number; ready: number; updated?: number }>
    endpoints?: { turn?: string[] }
  }
}

/** A logger whose lines are kept. */
export function logTo(lines: string[]): Logger {
  return pino({ level: 'debug' }, { write: (line: string) => lines.push(line) })
}

export class TestOperator {
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  readonly #ports: Promise<Ports>
  readonly #lines: string[] = []

  constructor(cluster: TestCluster, options: Partial<ManagerOptions> = {}) {
    const ports = Promise.withResolvers<Ports>()
    this.#ports = ports.promise
    const log = logTo(this.#lines)
    this.#running = runManager({
      kubeconfig: cluster.controlPlane.kubeconfig,
      metricsPort: 0,
      healthPort: 0,
      leaderElect: false,
      images: { registry: 'localhost', tag: 'test' },
      lookAgainMs: 50,
      log,
      signal: this.#stop.signal,
      onListening: ports.resolve,
      ...options,
    })
    this.#running.catch(ports.reject)
  }

  /** Settles as the operator ends. */
  get ended(): Promise<void> {
    return this.#running
  }

  /** Everything it has logged. */
  get logs(): string {
    return this.#lines.join('')
  }

  async metricsApiPort(): Promise<number> {
    return (await this.#ports).metricsApiPort ?? 0
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Sum over all series of a metric whose labels match. */
  async metric(name: string, labels = /./): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${(await this.#ports).metricsPort}/metrics`)
    const lines = (await response.text()).split('\n')
    return lines
      .filter((line) => line.startsWith(`${name}{`) && labels.test(line))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  writes(): Promise<number> {
    return this.metric('rest_client_requests_total', /method="(PATCH|POST|PUT|DELETE)"/)
  }

  reconciles(): Promise<number> {
    return this.metric('controller_runtime_reconcile_total')
  }

  /** Resolves when it has had nothing to do for a moment: nothing was done, is being done, or waits. */
  async quiet(): Promise<void> {
    let last = -1
    await eventually(
      async () => {
        const now = await this.reconciles()
        const open =
          (await this.metric('controller_runtime_active_workers')) +
          (await this.metric('workqueue_depth'))
        const same = now > 0 && now === last && open === 0
        last = now
        if (!same) throw new Error('the operator is still at work')
      },
      { everyMs: 400 },
    )
  }
}

/** Tries until it does not throw; throws what it last threw when the time is over. */
export async function eventually<T>(
  attempt: () => Promise<T>,
  { withinMs = 60_000, everyMs = 100 } = {},
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  }
}
