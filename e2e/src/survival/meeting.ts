/** A meeting stack on two nodes that things can be done to while people talk. */
import { getPriority, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { kubectlPath, loadImage, status, up } from '@parley/devcluster'
import { buildImages } from '@parley/images'
import type { Browser } from 'playwright-core'
import { type Freeze, type Guest, LiveCall, launchChromium } from '../call.ts'
import { Stack } from '../stack.ts'
import { ProcessWatch } from './processes.ts'

export const namespace = 'meetings'
export const name = 'town'
const operatorNamespace = 'parley-system'

/** Tags of the same images: what runs, and what an upgrade changes to. */
export type Tags = { current: string; next: string }

export type Meeting = {
  clusterName: string
  stack: Stack
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
const forum: readonly Guest[] = [
  { name: 'Linh', relay: false },
  { name: 'Noor', relay: true },
  { name: 'Tove', relay: false },
]

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
      resources: { requests: { cpu: '20m', memory: '64Mi' } },
      allowedPeers: ['10.0.0.0/8'],
      credentials: { ttl: '1m' },
      drainTimeout: '5m',
    },
    sfu: {
      engine: 'LiveKit',
      replicas: 2,
      resources: { requests: { cpu: '50m', memory: '96Mi' } },
      drainTimeout: '5m',
    },
    signaling: {
      replicas: 2,
      resources: { requests: { cpu: '20m', memory: '96Mi' } },
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

  /** @param label tells the rooms from those of other calls */
  static async start({ url, browser }: Meeting, label: string): Promise<Calls> {
    const calls = new Map<string, LiveCall>()
    const begun = await Promise.allSettled(
      Object.entries({ pair, forum }).map(async ([kind, guests]) => {
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
export async function settled({ stack }: Meeting): Promise<void> {
  const leaving = async () => {
    const pods = JSON.parse(
      await stack.kubectl(['get', 'pods', '-n', namespace, '-o', 'json']),
    ) as {
      items: { metadata: { name: string; deletionTimestamp?: string } }[]
    }
    return pods.items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
  }
  const deadline = Date.now() + 90_000
  for (let pods = await leaving(); pods.length > 0; pods = await leaving()) {
    if (Date.now() > deadline)
      throw new Error(`still there: ${pods.map(({ metadata }) => metadata.name).join(', ')}`)
    await delay(500)
  }
  await stack.waitReady(namespace, name, { timeoutMs: 90_000, onProgress: () => {} })
}

/** Changes the spec of the MeetingCluster. */
export async function patchSpec({ stack }: Meeting, spec: object): Promise<void> {
  await stack.kubectl([
    ...['patch', 'meetingcluster', name, '-n', namespace],
    ...['--type=merge', '-p', JSON.stringify({ spec })],
  ])
}

/** The first line of a Secret's key: what is minted with. Compared, never printed. */
export async function newest({ stack }: Meeting, secret: string, key: string): Promise<string> {
  const { data } = JSON.parse(
    await stack.kubectl(['get', 'secret', secret, '-n', namespace, '-o', 'json']),
  ) as { data: Record<string, string> }
  return (
    Buffer.from(data[key] ?? '', 'base64')
      .toString()
      .split('\n')[0] ?? ''
  )
}

/** Names of a component's pods that are not on their way out, with their nodes. */
export async function podsOf(
  { stack }: Meeting,
  component: string,
): Promise<{ pod: string; node: string; leaving: boolean }[]> {
  const { items } = JSON.parse(
    await stack.kubectl([
      ...['get', 'pods', '-n', namespace, '-o', 'json'],
      ...['-l', `app.kubernetes.io/component=${component}`],
    ]),
  ) as {
    items: {
      metadata: { name: string; deletionTimestamp?: string }
      spec: { nodeName: string }
    }[]
  }
  return items.map(({ metadata, spec }) => ({
    pod: metadata.name,
    node: spec.nodeName,
    leaving: metadata.deletionTimestamp !== undefined,
  }))
}

/** How many people an SFU pod carries, as LiveKit's own metrics say; none while it does not answer yet. */
export async function peopleOn({ nodes }: Meeting, { node }: { node: string }): Promise<number> {
  const answer = await fetch(`http://${nodes[node]}:6789/metrics`).catch(() => undefined)
  const text = (await answer?.text()) ?? ''
  const counts = text.matchAll(/^livekit_participant_total\{[^}]*\} (\d+)/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Stops the API server for so long: it takes connections, and answers nobody. */
export async function hangApiServer({ clusterName }: Meeting, forMs: number): Promise<void> {
  const { processes = [] } = (await status({ name: clusterName })) ?? {}
  const server = processes.find(({ name, alive }) => alive && name === 'kube-apiserver')
  if (!server)
    throw new Error(`no API server among ${processes.map(({ name }) => name).join(', ')}`)
  process.kill(server.pid, 'SIGSTOP')
  try {
    await delay(forMs)
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
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
