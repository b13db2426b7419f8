/** A meeting stack on two nodes that things can be done to while people talk. */
import { getPriority, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { kubectlPath, loadImage, status, up } from '@parley/devcluster'
import { buildImages } from '@parley/images'
import {
  ApiClient,
  createMetrics,
  type K8sObject,
  MEETING_CLUSTERS,
  PODS,
  SECRETS,
} from '@parley/operator/runtime'
import type { Browser } from 'playwright-core'
import { type Freeze, type Guest, LiveCall, launchChromium } from '../call.ts'
import { type MeetingClusterObject, Stack } from '../stack.ts'
import { ProcessWatch } from './processes.ts'
import { until } from './until.ts'

export const namespace = 'meetings'
export const name = 'town'
const operatorNamespace = 'parley-system'

/** Tags of the same images: what runs, and what an upgrade changes to. */
export type Tags = { current: string; next: string }

export type Meeting = {
  clusterName: string
  stack: Stack
  /** For what is asked again and again: a `kubectl` takes a tenth of a second of the processors' time to start. */
  api: ApiClient
  tags: Tags
  url: string
  /** Of everybody, in profiles of their own: five of them would be too much for a small machine. */
  browser: Browser
  /** Addresses of the nodes, by name. */
  nodes: Readonly<Record<string, string>>
}

/** Two in a mesh who can only reach each other through TURN. */
const pair: readonly Guest[] = [
  { name: 'Ada', relay: true },
  { name: 'Grace', relay: true },
]
/** Five guests share the machine with two nodes: few frames, so that what stands still was stopped. */
const fps = 5
/** One more than the mesh takes, so that they meet on the SFU; one of them through TURN. */
export const forum: readonly Guest[] = [
  { name: 'Linh', relay: false },
  { name: 'Noor', relay: true },
  { name: 'Tove', relay: false },
]

const everybody = { pair, forum }

/** What carries media asks for more of the processors than what starts, as it does by default. */
const manifest = (tags: Tags) => ({
  apiVersion: 'parley.dev/v1alpha1',
  kind: 'MeetingCluster',
  metadata: { name, namespace },
  spec: {
    domain: 'meet.example.com',
    region: 'eu-central-1',
    image: { tag: tags.current },
    mesh: { maxParticipants: pair.length },
    turn: {
      replicas: 1,
      resources: { requests: { cpu: '250m', memory: '64Mi' } },
      allowedPeers: ['10.0.0.0/8'],
      credentials: { ttl: '1m' },
      drainTimeout: '5m',
    },
    sfu: {
      engine: 'LiveKit',
      replicas: 2,
      resources: { requests: { cpu: '500m', memory: '96Mi' } },
      drainTimeout: '5m',
    },
    signaling: {
      replicas: 2,
      resources: { requests: { cpu: '100m', memory: '96Mi' } },
      allowedOrigins: ['*'],
      drainTimeout: '10s',
    },
    webapp: { replicas: 2, service: { type: 'NodePort', nodePort: 30080 } },
    cost: { prices: { preset: 'aws/eu-central-1' } },
  },
})

/** Two nodes, the operator, and a MeetingCluster that is Ready. */
export async function startMeeting(options: {
  clusterName: string
  kubeconfig: string
}): Promise<Meeting> {
  const { clusterName, kubeconfig } = options
  const [cluster, images] = await Promise.all([
    up({ name: clusterName, nodes: 2, kubeconfig }),
    buildImages(),
  ])
  const current = images[0]?.tag ?? ''
  const tags = { current, next: `${current}-next` }
  const load = async (built: readonly { archive: string }[]) => {
    for (const { archive } of built) await loadImage({ name: clusterName, archive })
  }
  await load(images)
  const stack = new Stack(await kubectlPath(), kubeconfig)
  // What an upgrade changes to comes while the stack starts.
  await Promise.all([runStack(stack, tags), buildImages({ tag: tags.next }).then(load)])
  const url = `http://${cluster.nodes[0]?.address}:30080`
  return {
    clusterName,
    stack,
    api: await ApiClient.connect(kubeconfig, createMetrics()),
    tags,
    url,
    browser: await ahead(() => launchChromium(url, { fps })),
    nodes: Object.fromEntries(cluster.nodes.map((node) => [node.name, node.address])),
  }
}

/** The operator, and the MeetingCluster, Ready. */
async function runStack(stack: Stack, tags: Tags): Promise<void> {
  await stack.installOperator({ registry: 'localhost', tag: tags.current })
  // Steps of a rotation wait for minutes, so that every kubelet has passed a Secret on; these are quick.
  await stack.kubectl([
    ...['set', 'env', 'deployment/parley-operator', '-n', operatorNamespace],
    'PARLEY_ROTATION_MARGIN=10s',
  ])
  await stack.kubectl(['create', 'namespace', namespace])
  await stack.kubectl(['apply', '-f', '-'], JSON.stringify(manifest(tags)))
  await stack.waitReady(namespace, name, { timeoutMs: 120_000, onProgress: () => {} })
}

/** In life people have machines of their own; here their browser has the processors first. */
async function ahead<T>(start: () => Promise<T>): Promise<T> {
  const usual = getPriority()
  setPriority(usual - 5)
  try {
    return await start()
  } finally {
    setPriority(usual)
  }
}

/** What a change did to the calls that went on through it. */
export type Outcome = { call: string; guest: string; missing: number; freezes: Explained[] }[]

/** With who used the processors meanwhile, if it was long. */
type Explained = Freeze & { meanwhile?: string }

/** Videos that stand still for longer want to be explained. */
const NOTEWORTHY_MS = 1_000

/** A relayed call and one on the SFU, held while things are done to the stack. */
export class Calls {
  readonly #calls: ReadonlyMap<string, LiveCall>

  private constructor(calls: ReadonlyMap<string, LiveCall>) {
    this.#calls = calls
  }

  /**
   * @param label tells the rooms from those of other calls
   * @param who of each call; where only one is concerned, the processors have less to do without the other
   */
  static async start(
    { url, browser }: Meeting,
    label: string,
    who: Partial<typeof everybody> = everybody,
  ): Promise<Calls> {
    const calls = new Map<string, LiveCall>()
    const begun = await Promise.allSettled(
      Object.entries(who).map(async ([kind, guests]) => {
        calls.set(kind, await LiveCall.start({ url, browser, room: `${kind}-${label}`, guests }))
      }),
    )
    const failed = begun.find((one) => one.status === 'rejected')
    if (!failed) return new Calls(calls)
    for (const call of calls.values()) await call.close()
    throw failed.reason
  }

  /** Does something to the stack, lets the calls go on for a while after it, and says how video came meanwhile. */
  async during(label: string, change: () => Promise<void>, settleMs = 5_000): Promise<Outcome> {
    const processes = new ProcessWatch()
    try {
      processes.start()
      for (const call of this.#calls.values()) await call.resetFreezes()
      await change()
      await delay(settleMs)
      const outcome: Outcome = []
      for (const [kind, call] of this.#calls) {
        const freezes = await call.freezes()
        for (const [index, guest] of call.guests.entries()) {
          const seen = (freezes[index] ?? []).map((freeze) => explained(freeze, processes))
          const missing = call.guests.length - 1 - seen.length
          outcome.push({ call: kind, guest: guest.name, missing, freezes: seen })
        }
      }
      tell(label, outcome)
      return outcome
    } finally {
      processes.stop()
    }
  }

  /** Everybody leaves by the button. */
  async leave(): Promise<void> {
    await Promise.all([...this.#calls.values()].map((call) => call.leave()))
    await this.close()
  }

  /** Ends them without a word. */
  async close(): Promise<void> {
    for (const call of this.#calls.values()) await call.close()
  }
}

function explained(freeze: Freeze, processes: ProcessWatch): Explained {
  const { seenMs, longestMs } = freeze
  if (longestMs < NOTEWORTHY_MS) return freeze
  return { ...freeze, meanwhile: processes.during(seenMs - longestMs, seenMs) }
}

/** The longest of each call in seconds, as they stand in docs/scorecard.md. */
function tell(label: string, outcome: Outcome): void {
  const all = (call: string) => outcome.flatMap((one) => (one.call === call ? one.freezes : []))
  for (const call of new Set(outcome.map((one) => one.call))) {
    const worst = all(call).sort((a, b) => b.longestMs - a.longestMs)[0]
    const seconds = ((worst?.longestMs ?? Number.NaN) / 1000).toFixed(2)
    process.stderr.write(`${label}, ${call}: ${seconds} s ${worst?.meanwhile ?? ''}\n`)
  }
}

/** Waits until no pod of the stack is on its way out and the MeetingCluster is Ready. */
export async function settled({ api }: Meeting): Promise<void> {
  await until(async () => {
    const { items } = await api.list(PODS, namespace)
    return (items ?? []).every(({ metadata }) => metadata.deletionTimestamp === undefined)
  }, 90_000)
  await until(async () => {
    const { status } = await api.get<MeetingClusterObject & K8sObject>(
      MEETING_CLUSTERS,
      namespace,
      name,
    )
    return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
  }, 90_000)
}

/** Changes the spec of the MeetingCluster. */
export async function patchSpec({ api }: Meeting, spec: object): Promise<void> {
  await api.mergePatch(MEETING_CLUSTERS, namespace, name, { spec })
}

/** Has the secrets rotated now. */
export async function rotate({ api }: Meeting): Promise<void> {
  const annotations = { 'parley.dev/rotate': 'now' }
  await api.mergePatch(MEETING_CLUSTERS, namespace, name, { metadata: { annotations } })
}

/** The first line of a Secret's key: what is minted with. Compared, never printed. */
export async function newest({ api }: Meeting, secret: string, key: string): Promise<string> {
  const { data } = await api.get<K8sObject & { data: Record<string, string> }>(
    SECRETS,
    namespace,
    secret,
  )
  return (
    Buffer.from(data[key] ?? '', 'base64')
      .toString()
      .split('\n')[0] ?? ''
  )
}

type Pod = { pod: string; node: string; leaving: boolean; restarts: number }

/** A component's pods, those on their way out too. */
export async function podsOf({ api }: Meeting, component: string): Promise<Pod[]> {
  const { items } = await api.list(PODS, namespace, {
    labelSelector: `app.kubernetes.io/component=${component}`,
  })
  return (items ?? []).map((item) => {
    const { metadata, spec, status } = item as K8sObject & {
      spec: { nodeName: string }
      status: { containerStatuses?: { restartCount: number }[] }
    }
    return {
      pod: metadata.name,
      node: spec.nodeName,
      leaving: metadata.deletionTimestamp !== undefined,
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    }
  })
}

/** Stops the API server for so long: it takes connections, and answers nobody, while something is done. */
export async function hangApiServer(
  { clusterName }: Meeting,
  forMs: number,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const { processes = [] } = (await status({ name: clusterName })) ?? {}
  const server = processes.find(({ name, alive }) => alive && name === 'kube-apiserver')
  if (!server)
    throw new Error(`no API server among ${processes.map(({ name }) => name).join(', ')}`)
  process.kill(server.pid, 'SIGSTOP')
  try {
    await Promise.all([delay(forMs), meanwhile()])
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
}

/** Whether somebody who comes now is let in, and told of TURN. */
export async function letsIn({ url }: Meeting, room: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/rooms/${room}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Late' }),
  })
  const { iceServers = [] } = (await answer.json()) as { iceServers?: object[] }
  return answer.ok && iceServers.length > 0
}

/** Ends the operator's process as a crash would, and waits for the next one to be ready. */
export async function killOperator({ stack }: Meeting): Promise<void> {
  await stack.kubectl([
    ...['delete', 'pods', '-n', operatorNamespace, '--all'],
    ...['--force', '--grace-period=0'],
  ])
  await operatorReady(stack)
}

export async function upgradeOperator({ stack, tags }: Meeting): Promise<void> {
  await stack.installOperator({ registry: 'localhost', tag: tags.next })
  await operatorReady(stack)
}

async function operatorReady(stack: Stack): Promise<void> {
  await stack.kubectl([
    ...['rollout', 'status', 'deployment/parley-operator', '-n', operatorNamespace],
    '--timeout=60s',
  ])
}
