import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient, K8sObject, Resource } from '@parley/operator/runtime'
import { type RelayLoad, relayLoadSchema, sumsOf } from '@parley/protocol'
import type { Command } from 'commander'
import { colours } from '../colours.ts'
import { type DrainedPod, type DrainTarget, drainPods, type MediaPod } from '../drain.ts'
import { UsageError } from '../errors.ts'
import { alignColumns } from '../table.ts'

export function addDrain(program: Command): void {
  program
    .command('drain')
    .description('free media pods, or a node of them, ending no call')
    .argument('[pod]', 'a TURN or SFU pod')
    .option('-n, --namespace <ns>', 'namespace of the pod (default: wherever it is)')
    .option('--node <node>', 'all media pods of this node, which takes no new pods from then on')
    .option('--timeout <duration>', 'stop watching after this long, such as 90m (default: never)')
    .option('--no-wait', 'ask for it and return at once')
    .option('--dry-run', 'only show which pods it would be, and what goes through them')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG)')
    .addHelpText(
      'after',
      `
A pod that drains is given no new call, and ends when its last one has, or after the drainTimeout
of its MeetingCluster; another one takes its place at once. Shows what is left until it is gone.
Ctrl-C stops watching; the pods go on to drain.

Examples:
  $ parley drain demo-turn-5d9c7b6f4-x2x8p
  $ parley drain --node worker-3 && kubectl drain worker-3 --ignore-daemonsets --delete-emptydir-data
  $ parley drain --node worker-3 --dry-run
`,
    )
    .action((pod: string | undefined, options: DrainOptions) => drain(pod, options))
}

interface DrainOptions {
  namespace?: string
  node?: string
  timeout?: string
  wait: boolean
  dryRun?: boolean
  kubeconfig?: string
}

const LOOK_EVERY_MS = 2_000

async function drain(name: string | undefined, options: DrainOptions): Promise<void> {
  if ((name === undefined) === (options.node === undefined))
    throw new UsageError('say what to drain: a pod, or --node NODE')
  const timeoutMs = await durationMs(options.timeout)
  const { withApi } = await import('../cluster.ts')
  await withApi(options.kubeconfig, async (api) => {
    const target = new ClusterTarget(api)
    const pods = await chosen(target, name, options)
    if (options.dryRun) return console.log(await preview(pods, target))
    if (options.node) await target.cordon(options.node)
    if (pods.length === 0) return console.log(`no media pod runs on ${options.node}`)
    await follow(pods, target, options.wait ? timeoutMs : 0)
  })
}

async function chosen(
  target: ClusterTarget,
  name: string | undefined,
  { namespace, node }: DrainOptions,
): Promise<MediaPod[]> {
  const all = await target.pods()
  const here = all.filter((pod) => namespace === undefined || pod.namespace === namespace)
  if (node !== undefined) {
    await target.requireNode(node)
    return here.filter((pod) => pod.node === node)
  }
  const found = here.filter((pod) => pod.name === name)
  if (found.length > 1)
    throw new Error(
      `there is a pod ${name} in ${found.map((pod) => pod.namespace).join(', ')}; say which with --namespace`,
    )
  if (found.length === 0)
    throw new Error(
      `there is no TURN or SFU pod ${name}; there is ${here.map((pod) => `${pod.namespace}/${pod.name}`).join(', ') || 'none at all'}`,
    )
  return found
}

async function preview(pods: readonly MediaPod[], target: ClusterTarget): Promise<string> {
  if (pods.length === 0) return 'no media pod'
  const rows = await Promise.all(
    pods.map(async (pod) => [
      pod.namespace,
      pod.name,
      pod.component,
      pod.node,
      (await target.load(pod)) ?? 'not known',
    ]),
  )
  return alignColumns(['NAMESPACE', 'POD', 'COMPONENT', 'NODE', 'IN USE BY'], rows)
}

/** One line when something has changed, so that a log of it can be read too. */
async function follow(
  pods: readonly MediaPod[],
  target: DrainTarget,
  timeoutMs: number,
): Promise<void> {
  const shown = new Map<string, string>()
  let last: readonly DrainedPod[] = []
  const width = Math.max(...pods.map(({ name }) => name.length))
  for await (const picture of drainPods(pods, target, {
    sleep: () => sleep(LOOK_EVERY_MS),
    now: Date.now,
    deadline: Date.now() + timeoutMs,
  })) {
    last = picture
    for (const { pod, state, detail } of picture) {
      const line = `${pod.name.padEnd(width)}  ${mark(state)}  ${detail}`
      if (shown.get(pod.uid) !== line) console.log(line)
      shown.set(pod.uid, line)
    }
  }
  const left = last.filter(({ state }) => state !== 'gone')
  if (left.length > 0 && timeoutMs > 0)
    throw new Error(
      `${left.length} of ${pods.length} pods are not gone yet; they go on to drain, and the same command watches again`,
    )
}

function mark(state: DrainedPod['state']): string {
  const { green, yellow, dim } = colours
  if (state === 'gone') return green('gone    ')
  return state === 'draining' ? yellow('draining') : dim('waiting ')
}

async function durationMs(text: string | undefined): Promise<number> {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const { durationSeconds } = await import('@parley/operator/api')
  try {
    return durationSeconds(text) * 1000
  } catch {
    throw new UsageError(`--timeout wants a duration such as 90m or 2h, not "${text}"`)
  }
}

type Pod = K8sObject & {
  metadata: { deletionTimestamp?: string }
  spec?: { nodeName?: string }
  status?: { phase?: string }
}

/** The real cluster. */
class ClusterTarget implements DrainTarget {
  readonly #api: ApiClient
  readonly #loads = new Map<string, { at: number; load: Promise<RelayLoad | undefined> }>()

  constructor(api: ApiClient) {
    this.#api = api
  }

  async pods(): Promise<MediaPod[]> {
    const { listLabelled } = await import('../cluster.ts')
    const pods = await listLabelled<Pod>(
      this.#api,
      'pods',
      'app.kubernetes.io/managed-by=parley,app.kubernetes.io/component in (turn,sfu)',
    )
    return pods
      .filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
      .map(({ metadata, spec }) => {
        const { name, namespace = 'default', uid = '', labels = {}, deletionTimestamp } = metadata
        return {
          namespace,
          name,
          uid,
          cluster: labels['parley.dev/cluster'] ?? '',
          component: labels['app.kubernetes.io/component'] === 'sfu' ? 'sfu' : 'turn',
          node: spec?.nodeName ?? '',
          ...(deletionTimestamp ? { endsAt: Date.parse(deletionTimestamp) } : {}),
        }
      })
  }

  async evict({ namespace, name, uid }: MediaPod): Promise<string | undefined> {
    const { NotFound, TooManyRequests } = await import('@parley/operator/runtime')
    const eviction: Resource = {
      group: '',
      version: 'v1',
      kind: 'Eviction',
      plural: `pods/${name}/eviction`,
      namespaced: true,
    }
    try {
      await this.#api.create(eviction, namespace, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: { uid } },
      })
    } catch (error) {
      if (error instanceof TooManyRequests)
        return 'its disruption budget lets no more pods go until another one is ready'
      if (!(error instanceof NotFound)) throw error
    }
    return undefined
  }

  async load(pod: MediaPod): Promise<string | undefined> {
    return pod.component === 'turn' ? this.#turnLoad(pod) : this.#sfuLoad(pod)
  }

  async cordon(node: string): Promise<void> {
    const { NODES } = await import('@parley/operator/runtime')
    await this.#api.mergePatch(NODES, undefined, node, { spec: { unschedulable: true } })
    console.log(`node ${node} takes no new pods; kubectl uncordon ${node} undoes that`)
  }

  async requireNode(node: string): Promise<void> {
    const { NODES, NotFound } = await import('@parley/operator/runtime')
    try {
      await this.#api.get(NODES, undefined, node)
    } catch (error) {
      if (!(error instanceof NotFound)) throw error
      throw new Error(`there is no node ${node}; kubectl get nodes lists those there are`)
    }
  }

  async #turnLoad({ namespace, cluster, name }: MediaPod): Promise<string | undefined> {
    const load = await this.#loadOf(namespace, cluster)
    if (!load) return undefined
    const { allocations, users, relayedMbps } = load.pods[name] ?? {
      allocations: 0,
      users: 0,
      relayedMbps: 0,
    }
    if (allocations === 0) return 'no allocation'
    const plural = allocations === 1 ? 'allocation' : 'allocations'
    return `${allocations} ${plural} of ${users} ${users === 1 ? 'user' : 'users'}, ${relayedMbps.toFixed(1)} Mbit/s`
  }

  /** Of the meter, once for all pods that are looked at together. */
  #loadOf(namespace: string, cluster: string): Promise<RelayLoad | undefined> {
    const key = `${namespace}/${cluster}`
    const known = this.#loads.get(key)
    if (known && Date.now() - known.at < LOOK_EVERY_MS / 2) return known.load
    const load = this.#askMeter({ namespace, name: cluster })
    this.#loads.set(key, { at: Date.now(), load })
    return load
  }

  async #askMeter(cluster: { namespace: string; name: string }): Promise<RelayLoad | undefined> {
    const { askMeter } = await import('../cluster.ts')
    try {
      return relayLoadSchema.parse(await askMeter(this.#api, cluster, '/load'))
    } catch {
      // A drain does not depend on the meter; what is left is then not known.
      return undefined
    }
  }

  async #sfuLoad({ namespace, name }: MediaPod): Promise<string | undefined> {
    const { SFU_METRICS_PORT } = await import('@parley/operator/render')
    try {
      const text = await this.#api.podProxyText(namespace, name, SFU_METRICS_PORT, '/metrics')
      const { livekit_room_total: rooms = 0, livekit_participant_total: people = 0 } = sumsOf(
        text,
        ['livekit_room_total', 'livekit_participant_total'],
      )
      return rooms === 0
        ? 'no room'
        : `${rooms} ${rooms === 1 ? 'room' : 'rooms'} with ${people} ${people === 1 ? 'participant' : 'participants'}`
    } catch {
      return undefined
    }
  }
}
