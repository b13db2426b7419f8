import { DEFAULT_IMAGES, imageReference } from '@parley/operator/render'
import {
  account,
  block,
  electsLeader,
  given,
  labels,
  METRICS_API,
  METRICS_PORT,
  metricsApi,
  oneNamespace,
  remembers,
  selector,
  value,
  when,
} from './parts.ts'
import { both, Expression, Merged, not, type Part, type PartMap, When } from './template.ts'
import type { InstallValues } from './values.ts'

const HEALTH_PORT = 8081
const METRICS_API_PORT = 8443
const imageTag = '($.Values.image.tag | default $.Chart.AppVersion)'
const tagOf = (values: InstallValues) => values.image.tag || DEFAULT_IMAGES.tag

/** @param shardLabels tell the pods of one shard from those of the others; none where there is one */
export function deploymentSpec(shardLabels: PartMap = {}): PartMap {
  const isSharded = Object.keys(shardLabels).length > 0
  const ownLabels = { ...labels, ...shardLabels }
  const ownSelector = { matchLabels: { ...selector, ...shardLabels } }
  return {
    replicas: value('$.Values.replicas', (v) => v.replicas),
    revisionHistoryLimit: 3,
    selector: ownSelector,
    template: {
      metadata: {
        labels: new Merged(
          ownLabels,
          block('$.Values.podLabels', (v) => v.podLabels),
        ),
        annotations: given('podAnnotations'),
      },
      spec: {
        serviceAccountName: account,
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        imagePullSecrets: new When(
          when('$.Values.image.pullSecrets', (v) => v.image.pullSecrets.length > 0),
          block('$.Values.image.pullSecrets', (v) => v.image.pullSecrets),
        ),
        priorityClassName: new When(
          when('$.Values.priorityClassName', (v) => v.priorityClassName !== ''),
          value('$.Values.priorityClassName | quote', (v) => v.priorityClassName),
        ),
        nodeSelector: given('nodeSelector'),
        tolerations: given('tolerations'),
        affinity: given('affinity'),
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          runAsGroup: 65532,
          fsGroup: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        // A leader that is told to stop finishes its writes and gives the lease back.
        terminationGracePeriodSeconds: 30,
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: ownSelector,
          },
        ],
        containers: [container(isSharded)],
        volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }],
      },
    },
  }
}

function container(isSharded: boolean): PartMap {
  const image = value(
    `printf "%s/parley-node:%s" (trimSuffix "/" $.Values.image.registry) ${imageTag} | quote`,
    (v) => imageReference({ registry: v.image.registry, tag: tagOf(v) }, 'parley-node'),
  )
  return {
    name: 'manager',
    image,
    imagePullPolicy: value('$.Values.image.pullPolicy', (v) => v.image.pullPolicy),
    args: managerArguments(isSharded),
    env: [
      {
        name: 'PARLEY_IMAGE_REGISTRY',
        value: value('$.Values.image.registry | quote', (v) => v.image.registry),
      },
      { name: 'PARLEY_IMAGE_TAG', value: value(`${imageTag} | quote`, tagOf) },
      { name: 'PARLEY_LOG_LEVEL', value: value('$.Values.logLevel', (v) => v.logLevel) },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ],
    ports: [
      { name: 'metrics', containerPort: METRICS_PORT },
      { name: 'health', containerPort: HEALTH_PORT },
      new When(metricsApi, [{ name: 'metrics-api', containerPort: METRICS_API_PORT }]),
    ],
    readinessProbe: {
      httpGet: { path: '/readyz', port: 'health' },
      periodSeconds: 5,
      timeoutSeconds: 3,
    },
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'health' },
      initialDelaySeconds: 15,
      periodSeconds: 20,
      timeoutSeconds: 5,
    },
    resources: block('$.Values.resources', (v) => v.resources),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
}

function managerArguments(isSharded: boolean): Part {
  const customMetrics = both(
    metricsApi,
    when('$.Values.metricsApi.custom', (v) => v.metricsApi.custom),
  )
  const shard = new Expression(
    'printf "--shard=%d/%d" $shard (int $.Values.shards)',
    ({ shard, values }) => `--shard=${shard}/${values.shards}`,
  )
  return [
    'manager',
    `--metrics-port=${METRICS_PORT}`,
    `--health-port=${HEALTH_PORT}`,
    new When(oneNamespace, [
      value(
        'printf "--namespace=%s" $.Values.watchNamespace',
        (v) => `--namespace=${v.watchNamespace}`,
      ),
    ]),
    new When(not(electsLeader), ['--no-leader-elect']),
    new When(not(remembers), ['--no-remember']),
    ...(isSharded ? [shard] : []),
    new When(metricsApi, [
      '--metrics-api',
      `--metrics-api-port=${METRICS_API_PORT}`,
      `--metrics-api-service=${METRICS_API}`,
      `--metrics-api-owner=${METRICS_API}`,
    ]),
    new When(customMetrics, ['--custom-metrics-api']),
  ]
}
