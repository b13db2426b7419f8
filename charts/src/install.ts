import { customResourceDefinition, reportResourceDefinition } from '@parley/operator/api'
import { SFU_METRICS_PORT, SIGNALING_PORT } from '@parley/operator/render'
import { ApiObject, App, Chart } from 'cdk8s'
import { deploymentSpec } from './deployment.ts'
import { monitoring } from './monitoring.ts'
import {
  account,
  block,
  labels,
  METRICS_PORT,
  metricsApi,
  NAME,
  namespace,
  object,
  own,
  selector,
  sharded,
  value,
  when,
} from './parts.ts'
import { metricsApiObjects, people, rights } from './rights.ts'
import {
  type Document,
  Expression,
  Merged,
  not,
  type Part,
  type PartMap,
  resolve,
  When,
} from './template.ts'
import { type GivenValues, type InstallValues, installValues } from './values.ts'

export interface InstallOptions {
  /** Namespace of the operator, which is made too. */
  namespace: string
  /** What a Helm chart calls values; what is not given has its default. */
  values?: GivenValues
}

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
}

/** All that `kubectl apply -f -` needs for a working operator, as YAML, in the order to apply it. */
export function installManifests(options: InstallOptions): string {
  return synthesize(installObjects(options))
}

/** The custom resources alone. */
export function crdManifests(): string {
  return synthesize(definitions() as unknown as Manifest[])
}

/** The same as `installManifests`, as plain objects. */
export function installObjects({ namespace, values: given }: InstallOptions): Manifest[] {
  const scope = { values: installValues(given), namespace, shard: 0 }
  const documents = [namespaceOf(scope), ...installDocuments()]
  return documents.flatMap(({ object, when, eachShard }) => {
    if (when && !when.of(scope)) return []
    const count = eachShard ? scope.values.shards : 1
    return Array.from(
      { length: count },
      (_, shard) => resolve(object, { ...scope, shard }) as Manifest,
    )
  })
}

function synthesize(objects: readonly Manifest[]): string {
  const app = new App()
  const chart = new Chart(app, 'parley', { disableResourceNameHashes: true })
  for (const object of objects) {
    const { namespace = '', name } = object.metadata
    new ApiObject(chart, [object.kind, namespace, name].join('-'), object)
  }
  return app.synthYaml()
}

/** Not in the Helm chart: there it is `--create-namespace`. */
function namespaceOf({
  namespace,
  values,
}: {
  namespace: string
  values: InstallValues
}): Document {
  // TURN pods run on the host network; where they share the operator's namespace it must let them.
  const standard = values.watchNamespace === namespace ? 'privileged' : 'restricted'
  return {
    file: '',
    object: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: { ...labels, 'pod-security.kubernetes.io/enforce': standard },
      },
    },
  }
}

/** Every object of the install but the namespace, in the order to apply them. */
export function installDocuments(): Document[] {
  return [
    ...definitions().map((definition) => ({
      file: 'crds.yaml',
      when: when('$.Values.crds.install', (v) => v.crds.install),
      object: kept(definition),
    })),
    {
      file: 'serviceaccount.yaml',
      when: when('$.Values.serviceAccount.create', (v) => v.serviceAccount.create),
      object: {
        ...object('v1', 'ServiceAccount', {
          ...own(account),
          annotations: new When(
            when(
              '$.Values.serviceAccount.annotations',
              (v) => Object.keys(v.serviceAccount.annotations).length > 0,
            ),
            block('$.Values.serviceAccount.annotations', (v) => v.serviceAccount.annotations),
          ),
        }),
        automountServiceAccountToken: false,
      },
    },
    ...rights(),
    ...monitoring(),
    ...metricsApiObjects(),
    ...people(),
    {
      file: 'service.yaml',
      object: object('v1', 'Service', own(NAME), {
        spec: {
          selector,
          ports: [{ name: 'metrics', port: METRICS_PORT, targetPort: 'metrics' }],
        },
      }),
    },
    {
      file: 'poddisruptionbudget.yaml',
      when: when('$.Values.podDisruptionBudget.enabled', (v) => v.podDisruptionBudget.enabled),
      object: object('policy/v1', 'PodDisruptionBudget', own(NAME), {
        spec: {
          maxUnavailable: 1,
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: { matchLabels: selector },
        },
      }),
    },
    networkPolicy(),
    serviceMonitor(),
    {
      file: 'deployment.yaml',
      when: not(sharded),
      object: object('apps/v1', 'Deployment', own(NAME), { spec: deploymentSpec() }),
    },
    {
      file: 'deployment.yaml',
      when: sharded,
      eachShard: true,
      object: object('apps/v1', 'Deployment', own(shardName), { spec: deploymentSpec(shardLabel) }),
    },
  ]
}

const shardName = new Expression(`printf "${NAME}-%d" $shard`, ({ shard }) => `${NAME}-${shard}`)
const shardLabel = {
  'parley.dev/shard': new Expression('$shard | quote', ({ shard }) => String(shard)),
}

function definitions(): (PartMap & { metadata: PartMap })[] {
  return [customResourceDefinition(), reportResourceDefinition()] as never
}

/** With the annotation that makes Helm leave it. */
function kept(plain: PartMap & { metadata: PartMap }): PartMap {
  const keep = when('$.Values.crds.keep', (v) => v.crds.keep)
  const annotations = { ...(plain.metadata.annotations as PartMap | undefined) }
  // Helm removes what it installed; every MeetingCluster would go with this.
  const staying = { ...annotations, 'helm.sh/resource-policy': 'keep' }
  return { ...plain, metadata: { ...plain.metadata, annotations: new When(keep, staying) } }
}

function networkPolicy(): Document {
  const port = (number: Part, protocol = 'TCP') => ({ port: number, protocol })
  const apiServer = block('$.Values.networkPolicy.apiServer', (v) => v.networkPolicy.apiServer)
  return {
    file: 'networkpolicy.yaml',
    when: when('$.Values.networkPolicy.enabled', (v) => v.networkPolicy.enabled),
    object: object('networking.k8s.io/v1', 'NetworkPolicy', own(NAME), {
      spec: {
        podSelector: { matchLabels: selector },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            ports: [port('metrics'), port('health'), new When(metricsApi, [port('metrics-api')])],
          },
        ],
        egress: [
          { ports: [port(53, 'UDP'), port(53)] },
          { ports: apiServer },
          // Rooms, for the status; and what the SFU carries, for autoscalers: metrics of pods.
          { ports: [port(SIGNALING_PORT), new When(metricsApi, [port(SFU_METRICS_PORT)])] },
        ],
      },
    }),
  }
}

function serviceMonitor(): Document {
  const more = block('$.Values.serviceMonitor.labels', (v) => v.serviceMonitor.labels)
  return {
    file: 'servicemonitor.yaml',
    when: when('$.Values.serviceMonitor.enabled', (v) => v.serviceMonitor.enabled),
    object: object(
      'monitoring.coreos.com/v1',
      'ServiceMonitor',
      {
        name: NAME,
        namespace,
        labels: new Merged(labels, more),
      },
      {
        spec: {
          selector: { matchLabels: selector },
          endpoints: [
            {
              port: 'metrics',
              // Of certificates: whose they are, which is not where the operator is.
              honorLabels: true,
              interval: value(
                '$.Values.serviceMonitor.interval | quote',
                (v) => v.serviceMonitor.interval,
              ),
            },
          ],
        },
      },
    ),
  }
}
