/** The meeting stack in a cluster, through kubectl and parley as a person would use them. */
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { askMeter, withApi } from '@parley/cli'
import { crdsEstablished } from '@parley/devcluster'
import type { RelayCostReport, RelaySummary } from '@parley/protocol'
import { execa } from 'execa'

const thisVersion = fileURLToPath(new URL('../..', import.meta.url))

export type MeetingClusterObject = {
  status?: {
    observedGeneration?: number
    conditions?: { type: string; status: string; reason: string; message: string }[]
    components?: Record<string, { desired: number; ready: number }>
  }
}

export class StackNotReady extends Error {
  readonly code = 'STACK_NOT_READY'
}

/** One cluster, as kubectl and `parley` see it. */
export class Stack {
  readonly kubectlPath: string
  readonly kubeconfig: string
  readonly #root: string

  /** @param root folder of the sources whose `parley` it is; another version's for what begins with that one */
  constructor(kubectlPath: string, kubeconfig: string, root = thisVersion) {
    this.kubectlPath = kubectlPath
    this.kubeconfig = kubeconfig
    this.#root = root
  }

  /** @returns what kubectl printed. @throws with kubectl's own message */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const { stdout } = await execa(this.kubectlPath, args, {
      env: { KUBECONFIG: this.kubeconfig },
      ...(input === undefined ? {} : { input }),
    })
    return stdout
  }

  async parley(args: readonly string[], input?: string): Promise<string> {
    const { stdout } = await execa('node', [`${this.#root}/cli/bin/parley.mjs`, ...args], {
      env: { KUBECONFIG: this.kubeconfig },
      preferLocal: true,
      localDir: this.#root,
      ...(input === undefined ? {} : { input }),
    })
    return stdout
  }

  /** `parley install | kubectl apply`, then waits for the operator's roll-out. */
  async installOperator(images: { registry: string; tag: string }): Promise<void> {
    const manifests = await this.parley([
      'install',
      '--image-registry',
      images.registry,
      '--image-tag',
      images.tag,
    ])
    await this.kubectl(['apply', '--server-side', '-f', '-'], manifests)
    await crdsEstablished((args) => this.kubectl(args))
  }

  /** The port at which every node serves a Service of type NodePort. */
  async nodePort(namespace: string, service: string): Promise<number> {
    const args = ['get', 'service', service, '-n', namespace, '-o', 'json']
    const { spec } = JSON.parse(await this.kubectl(args)) as {
      spec: { ports: { nodePort?: number }[] }
    }
    const port = spec.ports[0]?.nodePort
    if (!port) throw new Error(`the Service ${namespace}/${service} has no node port`)
    return port
  }

  async meetingCluster(namespace: string, name: string): Promise<MeetingClusterObject> {
    const args = ['get', 'meetingcluster', name, '-n', namespace, '-o', 'json']
    return JSON.parse(await this.kubectl(args)) as MeetingClusterObject
  }

  /**
   * Waits for the resource's Ready condition, saying what is awaited.
   * @throws StackNotReady with the last condition messages
   */
  async waitReady(
    namespace: string,
    name: string,
    options: { timeoutMs: number; onProgress: (line: string) => void },
  ): Promise<MeetingClusterObject> {
    const deadline = Date.now() + options.timeoutMs
    for (;;) {
      const mc = await this.meetingCluster(namespace, name)
      if (mc.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return mc
      options.onProgress(awaited(mc))
      if (Date.now() > deadline) {
        const pods = await this.kubectl(['get', 'pods', '-A', '-o', 'wide'])
        throw new StackNotReady(`${namespace}/${name} is not ready: ${awaited(mc)}\n${pods}`)
      }
      await delay(500)
    }
  }

  /**
   * The report after every TURN allocation has closed: coturn says the last of an allocation's bytes
   * when it closes, so that a report before that would be short. Those that a browser was granted when it wanted
   * them no more are closed by nobody before their 10 minutes are over, and carry nothing: they are not waited for
   * once no other one has closed for a while.
   */
  async reportOnceClosed(
    namespace: string,
    name: string,
    by: string,
    onProgress: (line: string) => void,
  ): Promise<RelayCostReport> {
    let open = Number.POSITIVE_INFINITY
    let changedAt = Date.now()
    while (open > 0 && Date.now() - changedAt < 20_000) {
      const { allocations } = await withApi(this.kubeconfig, (api) =>
        askMeter<RelaySummary>(api, { namespace, name }, '/summary'),
      )
      if (allocations !== open) changedAt = Date.now()
      open = allocations
      if (open === 0) break
      onProgress(`waiting for ${open} TURN allocations to close`)
      await delay(500)
    }
    return this.report(namespace, name, by)
  }

  /** The relay-cost report of the stack, asked for like a person would. */
  async report(namespace: string, name: string, by: string): Promise<RelayCostReport> {
    const args = ['cost', 'report', '--cluster', `${namespace}/${name}`, '--by', by, '-o', 'json']
    return JSON.parse(await this.parley(args)) as RelayCostReport
  }
}

function awaited({ status }: MeetingClusterObject): string {
  const waiting = Object.entries(status?.components ?? {})
    .filter(([, { desired, ready }]) => ready < desired || desired === 0)
    .map(([component, { desired, ready }]) => `${component} ${ready}/${desired}`)
  if (waiting.length > 0) return `waiting for ${waiting.join(', ')}`
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready?.message ?? 'waiting for the operator to take notice'
}
