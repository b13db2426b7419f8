import { stripVTControlCharacters } from 'node:util'
import type { MeetingCluster } from '@parley/operator/api'
import type { ApiClient, K8sObject, Resource } from '@parley/operator/runtime'
import type { Command } from 'commander'
import { colours } from '../colours.ts'
import { shardFindings } from './doctor-shards.ts'
import { type ClusterStatus, isPaused, statusOf } from './status.ts'

/** One thing looked at. `fix` says what to do about it where it is wrong. */
export type Finding = { ok: boolean; what: string; fix?: string }

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what is wrong, and what to do about it')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG)')
    .addHelpText(
      'after',
      `
Looks at the API server, the operator, every MeetingCluster and its pods, and says what to do about
what is wrong. Exits 1 when something is.

Example:
  $ parley doctor --kubeconfig ~/.kube/config
`,
    )
    .action(async (options: { kubeconfig?: string }) => {
      const { withApi } = await import('../cluster.ts')
      const findings = await withApi(options.kubeconfig, examine)
      const { green, red, dim } = colours
      for (const { ok, what, fix } of findings)
        console.log(
          `${ok ? green('✓') : red('✗')} ${plain(what)}${fix && !ok ? `\n  ${dim('→')} ${plain(fix)}` : ''}`,
        )
      const wrong = findings.filter(({ ok }) => !ok).length
      if (wrong > 0) throw new Error(`${wrong} of ${findings.length} checks found something wrong`)
    })
}

/** On one line, and with nothing that a terminal would take for a command: registries and pods have a say in it. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}+/gu, ' ')
}

type Workload = K8sObject & {
  spec?: {
    replicas?: number
    template?: { spec?: { containers?: { args?: string[] }[] } }
  }
  status?: { readyReplicas?: number }
}
type Pod = K8sObject & {
  spec?: { nodeName?: string }
  status?: {
    phase?: string
    conditions?: { type: string; status: string; message?: string }[]
    containerStatuses?: {
      name: string
      restartCount: number
      state?: { waiting?: { reason?: string; message?: string } }
    }[]
  }
}

async function examine(api: ApiClient): Promise<Finding[]> {
  const { listLabelled, listMeetingClusters, notInstalled } = await import('../cluster.ts')
  const { HORIZONTAL_POD_AUTOSCALERS, LEASES, NODES } = await import('@parley/operator/runtime')
  const clusters = await listMeetingClusters(api, undefined)
  if (!clusters) return [{ ok: false, ...notInstalled }]
  const operators = await listLabelled<Workload>(
    api,
    'deployments',
    'app.kubernetes.io/name=parley-operator',
  )
  const pods = await listLabelled<Pod>(api, 'pods', 'app.kubernetes.io/part-of=parley')
  return [
    { ok: true, what: 'the API server answers and knows MeetingClusters' },
    ...operatorFindings(operators, clusters),
    ...shardFindings(await listed(api, LEASES), clusters),
    ...metricsApiFindings(operators, await listed<ApiService>(api, API_SERVICES)),
    ...addressFindings(clusters, pods, await listed<Node>(api, NODES)),
    ...autoscalerFindings(await listed<Autoscaler>(api, HORIZONTAL_POD_AUTOSCALERS)),
    ...(clusters.length === 0
      ? [
          {
            ok: true,
            what: 'there is no MeetingCluster yet; kubectl apply -f examples/demo.yaml makes one',
          },
        ]
      : clusters.flatMap(clusterFindings)),
    ...pods.flatMap(podFindings),
  ]
}

type ApiService = K8sObject & {
  spec?: { service?: { namespace?: string; name?: string } }
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}
type Autoscaler = K8sObject & {
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] }
}
type Node = K8sObject & { status?: { addresses?: { type: string; address: string }[] } }

const API_SERVICES: Resource = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  namespaced: false,
}

/** @returns undefined where the person who asks may not list them: then nothing is said of them */
async function listed<T extends K8sObject>(
  api: ApiClient,
  resource: Resource,
): Promise<T[] | undefined> {
  const { Forbidden } = await import('@parley/operator/runtime')
  try {
    return ((await api.list(resource, undefined)).items ?? []) as T[]
  } catch (error) {
    if (error instanceof Forbidden) return undefined
    throw error
  }
}

/** What autoscalers go by, where the operator was told to serve it. */
export function metricsApiFindings(
  operators: readonly Workload[],
  services: readonly ApiService[] = [],
): Finding[] {
  const isAsked = operators.some(({ spec }) =>
    spec?.template?.spec?.containers?.some(({ args }) => args?.includes('--metrics-api')),
  )
  if (!isAsked) return []
  const name = 'v1beta1.external.metrics.k8s.io'
  const service = services.find(({ metadata }) => metadata.name === name)
  const fix = 'kubectl logs of the operator says why; until then autoscaling goes by CPU'
  if (!service) return [{ ok: false, what: 'the metrics API is not registered', fix }]
  const { namespace, name: behind } = service.spec?.service ?? {}
  const isOurs = service.metadata.labels?.['app.kubernetes.io/part-of'] === 'parley'
  if (!isOurs)
    return [
      {
        ok: true,
        what: `the metrics API is served by ${namespace}/${behind}, not by Parley: autoscaling goes by CPU`,
      },
    ]
  const available = service.status?.conditions?.find(({ type }) => type === 'Available')
  return [
    {
      ok: available?.status === 'True',
      what: 'the metrics API, by which autoscalers go, is available',
      fix: `${available?.message ?? 'the API server has not tried it yet'}; ${fix}`,
    },
  ]
}

/** Media pods on nodes that no client could reach. */
export function addressFindings(
  clusters: readonly MeetingCluster[],
  pods: readonly Pod[],
  nodes: readonly Node[] | undefined,
): Finding[] {
  if (!nodes) return []
  const withAddress = new Set(
    nodes
      .filter(({ status }) => status?.addresses?.some(({ type }) => type === 'ExternalIP'))
      .map(({ metadata }) => metadata.name),
  )
  return clusters.flatMap(({ metadata: { namespace, name }, spec }): Finding[] => {
    if (spec.turn.externalAddresses.length > 0 || spec.turn.exposure !== 'HostNetwork') return []
    const media = pods.filter(
      ({ metadata: { namespace: its, labels = {} } }) =>
        its === namespace &&
        labels['parley.dev/cluster'] === name &&
        /^(turn|sfu)$/.test(labels['app.kubernetes.io/component'] ?? ''),
    )
    const bare = new Set(media.flatMap(({ spec: { nodeName = '' } = {} }) => nodeName || []))
    for (const node of withAddress) bare.delete(node)
    return [...bare].sort().map((node) => ({
      ok: false,
      what: `node ${node}, which has media pods of ${namespace}/${name}, has no ExternalIP`,
      fix: 'give spec.turn.externalAddresses, or keep media pods to public nodes with spec.turn.nodeSelector',
    }))
  })
}

/** Autoscalers of ours that have nothing to go by: the number of pods stays as it is, whatever comes. */
export function autoscalerFindings(autoscalers: readonly Autoscaler[] | undefined): Finding[] {
  return (autoscalers ?? []).flatMap(({ metadata, status }): Finding[] => {
    const { namespace, name, labels = {} } = metadata
    const blind = status?.conditions?.find(
      ({ type, status, reason }) =>
        type === 'ScalingActive' && status === 'False' && reason !== 'ScalingDisabled',
    )
    if (labels['app.kubernetes.io/part-of'] !== 'parley' || !blind) return []
    const component = labels['app.kubernetes.io/component'] ?? ''
    return [
      {
        ok: false,
        what: `HorizontalPodAutoscaler ${namespace}/${name} has nothing to go by: the number of pods stays`,
        fix: autoscalerFix(blind.message ?? '', component),
      },
    ]
  })
}

function autoscalerFix(message: string, component: string): string {
  if (message.includes('missing request for cpu'))
    return `give spec.${component}.resources.requests a cpu: what stands in resources takes the place of all defaults`
  if (message.includes('metrics.k8s.io'))
    return `is metrics-server installed, and does it work? CPU comes from there (${message})`
  return message
}

/** An operator may also run outside of the cluster: what it has seen to the last change tells. */
export function operatorFindings(
  operators: readonly Workload[],
  clusters: readonly MeetingCluster[],
): Finding[] {
  const lookedAfter =
    clusters.length > 0 &&
    clusters.every(({ metadata, status }) => status?.observedGeneration === metadata.generation)
  if (operators.length === 0)
    return [
      {
        ok: lookedAfter,
        what: lookedAfter
          ? 'no operator is installed in this cluster; one outside of it has seen to every MeetingCluster'
          : 'no operator runs in this cluster',
        fix: 'parley install | kubectl apply --server-side -f -, or parley manager --kubeconfig FILE',
      },
    ]
  return operators.map(({ metadata, spec, status }) => ({
    ok: (status?.readyReplicas ?? 0) >= (spec?.replicas ?? 1),
    what: `operator ${metadata.namespace}/${metadata.name}: ${status?.readyReplicas ?? 0} of ${spec?.replicas ?? 1} ready`,
    fix: `kubectl logs -n ${metadata.namespace} deployment/${metadata.name}`,
  }))
}

export function clusterFindings(mc: MeetingCluster): Finding[] {
  const { namespace, name, ready, conditions } = statusOf(mc)
  const what = `MeetingCluster ${namespace}/${name}`
  if (isPaused(conditions))
    return [
      { ok: true, what: `${what} is paused: nothing is changed until parley resume ${name}` },
      ...(ready ? [] : unmet(what, conditions)),
    ]
  const { metadata, status } = mc
  if (conditions.length > 0 && status?.observedGeneration !== metadata.generation)
    return [
      {
        ok: false,
        what: `${what}: the operator has not acted on its newest spec`,
        fix: 'look again in a moment; if it stays so, the log of the operator says why',
      },
      // An operator that failed on it has said so.
      ...unmet(
        what,
        conditions.filter(({ observedGeneration }) => observedGeneration === metadata.generation),
      ),
    ]
  if (ready) {
    // Calls work all the same, so that it is ready.
    const unmetered = conditions.filter(
      ({ type, status }) => type === 'RelayMetered' && status === 'False',
    )
    return [{ ok: true, what: `${what} is ready` }, ...unmetered.map(conditionFinding(what))]
  }
  if (conditions.length === 0)
    return [
      {
        ok: false,
        what: `${what}: the operator has not looked at it`,
        fix: 'is an operator running that watches this namespace?',
      },
    ]
  return unmet(what, conditions)
}

function unmet(what: string, conditions: ClusterStatus['conditions']): Finding[] {
  return conditions
    .filter(
      ({ type, status }) => status === 'False' && type !== 'Reconciling' && type !== 'Stalled',
    )
    .map(conditionFinding(what))
}

const conditionFinding =
  (what: string) =>
  ({ type, reason, message }: { type: string; reason: string; message: string }): Finding => ({
    ok: false,
    what: `${what}: ${type} is False, ${reason}`,
    fix: message,
  })

/** Pods that wait: for a node, for an image, or to crash once more. */
export function podFindings({ metadata, status }: Pod): Finding[] {
  const what = `Pod ${metadata.namespace}/${metadata.name}`
  const unscheduled = status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  )
  if (unscheduled)
    return [
      {
        ok: false,
        what: `${what} has no node`,
        fix: unscheduled.message ?? 'kubectl describe says why',
      },
    ]
  return (status?.containerStatuses ?? []).flatMap(({ name, restartCount, state }) => {
    const reason = state?.waiting?.reason
    if (reason === undefined || reason === 'ContainerCreating' || reason === 'PodInitializing')
      return []
    const fix =
      reason === 'ErrImagePull' || reason === 'ImagePullBackOff' || reason === 'ErrImageNeverPull'
        ? `${state?.waiting?.message ?? 'the image cannot be pulled'}; check spec.image.registry, tag and pullSecrets`
        : `kubectl logs -n ${metadata.namespace} ${metadata.name} -c ${name} --previous (restarted ${restartCount} times)`
    return [{ ok: false, what: `${what}: container ${name} is in ${reason}`, fix }]
  })
}
