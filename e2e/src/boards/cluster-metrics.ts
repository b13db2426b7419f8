/** What a cluster's own monitoring says of pods: kube-state-metrics, and what each kubelet has by cAdvisor. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ClusterStatus, ensureBinaries } from '@parley/devcluster'
import { execa } from 'execa'
import type { Target } from './prometheus.ts'

/** In the network of a node, as Prometheus. */
const port = 19_091
const telemetryPort = 19_092

export class ClusterMetrics {
  readonly targets: readonly Target[]
  readonly #process: ReturnType<typeof run>

  private constructor(targets: readonly Target[], process: ReturnType<typeof run>) {
    this.targets = targets
    this.#process = process
  }

  /**
   * Resolves when kube-state-metrics has listed what it is asked for.
   *
   * @throws with what it wrote, when it ends before
   */
  static async start(cluster: ClusterStatus, folder: string): Promise<ClusterMetrics> {
    const [node] = cluster.nodes
    if (!node) throw new Error('the cluster has no node')
    await mkdir(folder, { recursive: true })
    const binaries = await ensureBinaries(['kube-state-metrics'])
    const within = ['nsenter', `--net=/run/netns/${node.networkNamespace}`, '--']
    const process = run(
      within,
      join(binaries['kube-state-metrics'], 'kube-state-metrics'),
      cluster.kubeconfig,
    )
    const stateful = { address: `127.0.0.1:${port}`, path: '/metrics' }
    const metrics = new ClusterMetrics(
      [
        { ...stateful, labels: { job: 'kube-state-metrics' }, honorLabels: true },
        ...(await kubelets(cluster, folder)),
      ],
      process,
    )
    await metrics.#answers(`http://${node.address}:${port}/metrics`)
    return metrics
  }

  async #answers(url: string): Promise<void> {
    let ended: string | undefined
    void this.#process.then(({ all, shortMessage }) => {
      ended = `${shortMessage ?? 'it ended'}\n${all}`
    })
    const deadline = Date.now() + 60_000
    for (;;) {
      const answer = await fetch(url).catch(() => undefined)
      if ((await answer?.text())?.includes('kube_pod_container_resource_limits{')) return
      if (ended !== undefined) throw new Error(`kube-state-metrics did not start: ${ended}`)
      if (Date.now() > deadline) {
        await this.stop()
        throw new Error(`kube-state-metrics does not answer at ${url}`)
      }
      await delay(200)
    }
  }

  /** Once more does nothing. */
  async stop(): Promise<void> {
    this.#process.kill()
    await this.#process
  }
}

function run([nsenter = '', ...within]: readonly string[], program: string, kubeconfig: string) {
  const args = [
    ...[`--kubeconfig=${kubeconfig}`, '--resources=pods,deployments'],
    ...['--host=0.0.0.0', `--port=${port}`],
    ...['--telemetry-host=127.0.0.1', `--telemetry-port=${telemetryPort}`],
  ]
  return execa(nsenter, [...within, 'nice', '-n', '10', program, ...args], {
    all: true,
    reject: false,
  })
}

/** Each node's, asked of the API server in the administrator's name. */
async function kubelets({ kubeconfig, nodes }: ClusterStatus, folder: string): Promise<Target[]> {
  const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[]
    users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[]
  }
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user]
  if (!cluster || !user) throw new Error(`${kubeconfig} has no cluster or no user`)
  const file = async (name: string, base64: string) => {
    await writeFile(join(folder, name), Buffer.from(base64, 'base64'), { mode: 0o600 })
    return join(folder, name)
  }
  const tls = {
    ca_file: await file('ca.crt', cluster['certificate-authority-data']),
    cert_file: await file('admin.crt', user['client-certificate-data']),
    key_file: await file('admin.key', user['client-key-data']),
  }
  return nodes.map(({ name }) => ({
    address: new URL(cluster.server).host,
    path: `/api/v1/nodes/${name}/proxy/metrics/cadvisor`,
    labels: { job: 'kubelet', node: name },
    honorLabels: true,
    tls,
  }))
}
