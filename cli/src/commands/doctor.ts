import type { MeetingCluster } from '@parley/operator/api'
import type { ApiClient, K8sObject } from '@parley/operator/runtime'
import type { Command } from 'commander'
import picocolors from 'picocolors'
import { statusOf } from './status.ts'

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
      const { green, red, dim } = picocolors
      for (const { ok, what, fix } of findings)
        console.log(
          `${ok ? green('✓') : red('✗')} ${what}${fix && !ok ? `\n  ${dim('→')} ${fix}` : ''}`,
        )
      const wrong = findings.filter(({ ok }) => !ok).length
      if (wrong > 0) throw new Error(`${wrong} of ${findings.length} checks found something wrong`)
    })
}

type Workload = K8sObject & {
  spec?: { replicas?: number }
  status?: { readyReplicas?: number }
}
type Pod = K8sObject & {
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
  if (ready) return [{ ok: true, what: `${what} is ready` }]
  if (conditions.length === 0)
    return [
      {
        ok: false,
        what: `${what}: the operator has not looked at it`,
        fix: 'is an operator running that watches this namespace?',
      },
    ]
  return conditions
    .filter(
      ({ type, status }) => status === 'False' && type !== 'Reconciling' && type !== 'Stalled',
    )
    .map(({ type, reason, message }) => ({
      ok: false,
      what: `${what}: ${type} is False, ${reason}`,
      fix: message,
    }))
}

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
