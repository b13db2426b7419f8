/** Who reaches whom in a cluster, tried from where each pod stands in the network. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBinaries } from '@parley/devcluster'
import { execa } from 'execa'
import type { Stack } from './stack.ts'

type Component = 'webapp' | 'signaling' | 'meter' | 'redis'

const ports: Readonly<Record<Component, number>> = {
  webapp: 8080,
  signaling: 8080,
  meter: 8090,
  redis: 6379,
}

/**
 * Tries each way into the pods of a stack, from each of its pods and from others: which there are, and
 * which there should be. Strangers are deployed for it, and are gone afterwards.
 * @param node on which all of the stack runs
 */
export async function tryFlows(
  stack: Stack,
  namespace: string,
  cluster: string,
  node: { networkNamespace: string },
): Promise<Record<'found' | 'wanted', Record<string, Component[]>>> {
  const components = Object.keys(ports) as Component[]
  await stack.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify(strangers(namespace, await imageOf(stack, namespace, `${cluster}-signaling`))),
  )
  for (const where of [STRANGERS, namespace])
    await stack.kubectl(['wait', '-n', where, 'pods', '--all', '--for=condition=Ready'])
  try {
    const labelled = (label: string, where = namespace) => podPlace(stack, where, label)
    const own = await Promise.all(
      components.map((component) => labelled(`app.kubernetes.io/component=${component}`)),
    )
    const pod = Object.fromEntries(components.map((component, index) => [component, own[index]]))
    const flows: [string, Parameters<typeof reachable>[0], Component[]][] = [
      // A pod always reaches itself.
      ['webapp', pod.webapp, ['webapp', 'signaling']],
      ['signaling', pod.signaling, ['signaling', 'meter', 'redis']],
      ['meter', pod.meter, ['meter', 'redis']],
      ['redis', pod.redis, ['redis']],
      [
        'operator',
        await labelled('app.kubernetes.io/component=operator', 'parley-system'),
        ['webapp', 'signaling'],
      ],
      ['Prometheus', await labelled('app=prometheus', STRANGERS), ['webapp', 'signaling', 'meter']],
      ['a stranger elsewhere', await labelled('app=stranger', STRANGERS), ['webapp']],
      ['a stranger beside it', await labelled('app=stranger'), ['webapp']],
      // Where the API server is, and whatever else is no pod.
      ['this machine', undefined, ['webapp', 'meter']],
      // coturn, which is on the host network, and the kubelet with its probes.
      ['the node', node, components],
    ]
    const addresses = components.map((component) => `${pod[component]?.ip}:${ports[component]}`)
    const found = await Promise.all(
      flows.map(async ([name, from]) => {
        const open = await reachable(from, addresses)
        return [name, components.filter((_, index) => open[index])]
      }),
    )
    return {
      found: Object.fromEntries(found),
      wanted: Object.fromEntries(flows.map(([name, , targets]) => [name, targets])),
    }
  } finally {
    await stack.kubectl(['delete', 'namespace', STRANGERS, '--wait=false'])
    await stack.kubectl([
      'delete',
      'pod',
      '-n',
      namespace,
      'stranger',
      '--grace-period=0',
      '--force',
    ])
  }
}

const STRANGERS = 'strangers'

function imageOf(stack: Stack, namespace: string, deployment: string): Promise<string> {
  const path = 'jsonpath={.spec.template.spec.containers[0].image}'
  return stack.kubectl(['get', 'deployment', deployment, '-n', namespace, '-o', path])
}

/** Pods that are none of the stack's business, and one that is taken for Prometheus. */
function strangers(namespace: string, image: string) {
  const pod = (where: string, app: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: app, namespace: where, labels: { app, 'app.kubernetes.io/name': app } },
    spec: {
      containers: [{ name: 'idle', image, command: ['node', '-e', 'setInterval(() => {}, 1e6)'] }],
    },
  })
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: STRANGERS } },
      pod(STRANGERS, 'prometheus'),
      pod(STRANGERS, 'stranger'),
      pod(namespace, 'stranger'),
    ],
  }
}

/** One pod as the network has it. */
type PodPlace = { uid: string; ip: string }

/** The first running pod that the selector picks. */
async function podPlace(stack: Stack, namespace: string, selector: string): Promise<PodPlace> {
  const args = ['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json']
  const { items } = JSON.parse(await stack.kubectl(args)) as {
    items: {
      metadata: { uid: string; deletionTimestamp?: string }
      status: { podIP?: string; phase: string }
    }[]
  }
  const pod = items.find(
    ({ metadata, status }) => status.phase === 'Running' && !metadata.deletionTimestamp,
  )
  if (!pod?.status.podIP) throw new Error(`no pod ${selector} runs in ${namespace}`)
  return { uid: pod.metadata.uid, ip: pod.status.podIP }
}

/**
 * Which of the addresses (`ip:port`, TCP) can be connected to from the network of a pod, of a node (its
 * network namespace), or of this machine. A pod's own processes need not be able to try it.
 */
async function reachable(
  from: PodPlace | { networkNamespace: string } | undefined,
  addresses: readonly string[],
): Promise<boolean[]> {
  const { probe } = await ensureBinaries(['probe'])
  const command = [join(probe, 'probe'), 'reach', ...addresses]
  const [file = '', ...args] = [...(await entering(from)), ...command]
  const { stdout } = await execa(file, args)
  return stdout.split('\n').map((line) => line.endsWith(' true'))
}

async function entering(from: Parameters<typeof reachable>[0]): Promise<string[]> {
  if (from === undefined) return []
  if ('networkNamespace' in from) return ['ip', 'netns', 'exec', from.networkNamespace]
  return ['nsenter', `--target=${await processOf(from.uid)}`, '--net', '--']
}

/** A process of a pod: its control group names the pod. */
async function processOf(uid: string): Promise<number> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const groups = await readFile(`/proc/${entry}/cgroup`, 'utf8').catch(() => '')
    if (groups.includes(`pod${uid}`)) return Number(entry)
  }
  throw new Error(`pod ${uid} has no process on this machine`)
}
