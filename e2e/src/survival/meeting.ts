/** A meeting stack on two nodes that things can be done to while people talk. */
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
import { launchChromium } from '../call.ts'
import { type MeetingClusterObject, Stack } from '../stack.ts'
import { pair } from './calls.ts'
import { until } from './until.ts'
import type { Version } from './version.ts'

export const namespace = 'meetings'
export const name = 'town'
const operatorNamespace = 'parley-system'

/** Tags of images: what runs, and what an upgrade changes to. */
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

/** Five guests share the machine with two nodes: few frames, so that what stands still was stopped. */
const fps = 5

/** What the MeetingCluster is made for. */
type Wanted = {
  /** Of its images; none: those that come with the operator. */
  tag?: string
  sfuPods: number
  /** Of media pods. */
  drainTimeout: string
}

/** What carries media asks for more of the processors than what starts, as it does by default. */
const manifest = ({ tag, sfuPods, drainTimeout }: Wanted) => ({
  apiVersion: 'parley.dev/v1alpha1',
  kind: 'MeetingCluster',
  metadata: { name, namespace },
  spec: {
    domain: 'meet.example.com',
    region: 'eu-central-1',
    ...(tag !== undefined && { image: { tag } }),
    mesh: { maxParticipants: pair.length },
    turn: {
      replicas: 1,
      resources: { requests: { cpu: '250m', memory: '64Mi' } },
      allowedPeers: ['10.0.0.0/8'],
      credentials: { ttl: '1m' },
      drainTimeout,
    },
    sfu:
      sfuPods === 0
        ? { engine: 'None' }
        : {
            engine: 'LiveKit',
            replicas: sfuPods,
            resources: { requests: { cpu: '500m', memory: '96Mi' } },
            drainTimeout,
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
export function startMeeting(options: Place): Promise<Meeting> {
  return start(options, async () => {
    const images = await buildImages()
    const current = tagOf(images)
    const tags = { current, next: `${current}-next` }
    const wanted = { tag: current, sfuPods: 2, drainTimeout: '5m' }
    return { images, tags, wanted, next: () => buildImages({ tag: tags.next }) }
  })
}

/** The same of an earlier version, which an upgrade changes to this one: its images come with the operator. */
export function startEarlierMeeting(options: Place & { version: Version }): Promise<Meeting> {
  const { root, images, hasSfu } = options.version
  return start(options, async () => {
    const next = await buildImages()
    const tags = { current: tagOf(images), next: tagOf(next) }
    // One SFU pod, so that a node is free for the one that follows it.
    const wanted = { sfuPods: hasSfu ? 1 : 0, drainTimeout: '2m' }
    return { root, images, tags, wanted, next: async () => next }
  })
}

type Place = { clusterName: string; kubeconfig: string }

type Archives = readonly { archive: string }[]

const tagOf = (images: readonly { tag: string }[]): string => images[0]?.tag ?? ''

async function start(
  { clusterName, kubeconfig }: Place,
  prepare: () => Promise<{
    /** The sources that install the operator; these, if none are given. */
    root?: string
    images: Archives
    tags: Tags
    wanted: Wanted
    next: () => Promise<Archives>
  }>,
): Promise<Meeting> {
  const [cluster, { root, images, tags, wanted, next }, kubectl] = await Promise.all([
    up({ name: clusterName, nodes: 2, kubeconfig }),
    prepare(),
    kubectlPath(),
  ])
  const load = async (built: Archives) => {
    for (const { archive } of built) await loadImage({ name: clusterName, archive })
  }
  await load(images)
  // What an upgrade changes to comes while the stack starts.
  await Promise.all([
    runStack(new Stack(kubectl, kubeconfig, root), tags.current, wanted),
    next().then(load),
  ])
  const url = `http://${cluster.nodes[0]?.address}:30080`
  return {
    clusterName,
    stack: new Stack(kubectl, kubeconfig),
    api: await ApiClient.connect(kubeconfig, createMetrics()),
    tags,
    url,
    browser: await launchChromium(url, { fps }),
    nodes: Object.fromEntries(cluster.nodes.map((node) => [node.name, node.address])),
  }
}

/** The operator, and the MeetingCluster, Ready. */
async function runStack(stack: Stack, tag: string, wanted: Wanted): Promise<void> {
  await stack.installOperator({ registry: 'localhost', tag })
  // Steps of a rotation wait for minutes, so that every kubelet has passed a Secret on; these are quick.
  await stack.kubectl([
    ...['set', 'env', 'deployment/parley-operator', '-n', operatorNamespace],
    'PARLEY_ROTATION_MARGIN=10s',
  ])
  await stack.kubectl(['create', 'namespace', namespace])
  await stack.kubectl(['apply', '-f', '-'], JSON.stringify(manifest(wanted)))
  await stack.waitReady(namespace, name, { timeoutMs: 120_000, onProgress: () => {} })
}

/** Waits until no pod of the stack is on its way out and the MeetingCluster is Ready. */
export async function settled(meeting: Meeting, withinMs = 90_000): Promise<void> {
  await until(async () => {
    const { items } = await meeting.api.list(PODS, namespace)
    return (items ?? []).every(({ metadata }) => metadata.deletionTimestamp === undefined)
  }, withinMs)
  await until(async () => {
    const { status } = await meetingCluster(meeting)
    return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
  }, withinMs)
}

export function meetingCluster({ api }: Meeting): Promise<MeetingClusterObject & K8sObject> {
  return api.get<MeetingClusterObject & K8sObject>(MEETING_CLUSTERS, namespace, name)
}

/** Changes the spec of the MeetingCluster. */
export async function patchSpec({ api }: Meeting, spec: object): Promise<void> {
  await api.mergePatch(MEETING_CLUSTERS, namespace, name, { spec })
}

/** How long it takes from a change of the spec until a component has new pods alone, and all is Ready. */
export async function secondsToReplace(
  meeting: Meeting,
  component: string,
  spec: object,
): Promise<number> {
  const before = new Set((await podsOf(meeting, component)).map(({ pod }) => pod))
  const since = performance.now()
  await patchSpec(meeting, spec)
  await until(
    async () => (await podsOf(meeting, component)).every(({ pod }) => !before.has(pod)),
    5 * 60_000,
  )
  await settled(meeting)
  return (performance.now() - since) / 1000
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
