/** Where metrics are, as the ServiceMonitors of a stack say it and Prometheus' operator understands it. */
import type { KubernetesObject } from '@parley/operator/render'
import type { Stack } from '../stack.ts'
import type { Target } from './prometheus.ts'

type Monitor = KubernetesObject & {
  spec: {
    selector: { matchLabels: Record<string, string> }
    endpoints: {
      port: string
      path?: string
      honorLabels?: boolean
      relabelings?: { targetLabel: string; replacement: string }[]
    }[]
  }
}

type Pod = {
  metadata: { name: string; deletionTimestamp?: string }
  spec: { containers: { name: string; ports?: { name?: string; containerPort: number }[] }[] }
  status: { podIP?: string; phase: string }
}

/** One target for each running pod that a monitor picks. */
export async function targetsOf(
  stack: Stack,
  monitors: readonly KubernetesObject[],
): Promise<Target[]> {
  const found = await Promise.all((monitors as Monitor[]).map((each) => monitored(stack, each)))
  return found.flat()
}

async function monitored(stack: Stack, { metadata, spec }: Monitor): Promise<Target[]> {
  const { namespace = 'default', name: job } = metadata
  const pods = await podsOf(stack, namespace, spec.selector.matchLabels)
  return pods.flatMap((pod) =>
    spec.endpoints.flatMap(({ port, path = '/metrics', honorLabels = false, relabelings = [] }) =>
      targetsIn(pod, port).map(({ container, address }) => ({
        address,
        path,
        honorLabels,
        labels: {
          ...{ job, namespace, container, pod: pod.metadata.name, endpoint: port },
          ...Object.fromEntries(
            relabelings.map(({ targetLabel, replacement }) => [targetLabel, replacement]),
          ),
        },
      })),
    ),
  )
}

function targetsIn({ spec, status }: Pod, port: string) {
  return spec.containers.flatMap(({ name, ports = [] }) =>
    ports
      .filter((each) => each.name === port)
      .map(({ containerPort }) => ({
        container: name,
        address: `${status.podIP}:${containerPort}`,
      })),
  )
}

async function podsOf(
  stack: Stack,
  namespace: string,
  labels: Record<string, string>,
): Promise<Pod[]> {
  const selector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  const args = ['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json']
  const { items } = JSON.parse(await stack.kubectl(args)) as { items: Pod[] }
  const running = items.filter(
    ({ metadata, status }) => status.phase === 'Running' && !metadata.deletionTimestamp,
  )
  if (running.length === 0) throw new Error(`no pod ${selector} runs in ${namespace}`)
  return running
}
