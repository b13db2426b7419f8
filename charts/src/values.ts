import { DEFAULT_IMAGES } from '@parley/operator/render'
import { z } from 'zod'

/** What can be set when the operator is installed: the values of the Helm chart, with their defaults. */

const words = z.record(z.string(), z.string())
const anything = z.record(z.string(), z.unknown())
const flag = (byDefault: boolean, description: string) =>
  z.boolean().default(byDefault).describe(description)
const group = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description)

export const installValuesSchema = z.strictObject({
  image: group('Where the images are, of the operator and of all that it deploys.', {
    registry: z
      .string()
      .min(1)
      .default(DEFAULT_IMAGES.registry)
      .describe('Registry, and the path before the names of the images.'),
    tag: z.string().default('').describe('Tag of all images; empty: the appVersion of the chart.'),
    pullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .describe(
        'When the operator’s image is pulled; that of the others is in each MeetingCluster.',
      ),
    pullSecrets: z
      .array(z.strictObject({ name: z.string().min(1) }))
      .default([])
      .describe('Secrets in the operator’s namespace with which its image is pulled.'),
  }),
  replicas: z
    .int()
    .min(1)
    .default(1)
    .describe('Pods of the operator (of each shard); one works, the others stand by.'),
  shards: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Deployments that share out the MeetingClusters by namespace; for large fleets.'),
  watchNamespace: z
    .string()
    .max(63)
    .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/)
    .default('')
    .describe(
      'Look after MeetingClusters in this namespace only, with rights there alone; empty: in all.',
    ),
  leaderElection: group('So that of several pods one works.', {
    enabled: flag(true, 'Without it there must never be two pods, not even during an update.'),
  }),
  remember: flag(
    true,
    'Keep digests of what was as it should be in a ConfigMap, so that a restart need not compare it again.',
  ),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('What the operator logs, as JSON lines.'),
  metricsApi: group(
    'The operator serves what limits a meeting stack to the autoscaler (external.metrics.k8s.io). It does not take over from another server of that API. Not with watchNamespace.',
    {
      enabled: flag(true, 'Autoscale by relayed bandwidth, allocations, rooms and sockets.'),
      custom: flag(false, 'Also custom.metrics.k8s.io, the same for each pod.'),
    },
  ),
  monitoring: group('For Grafana and Prometheus, over all MeetingClusters.', {
    dashboards: flag(true, 'Boards as ConfigMaps, which Grafana’s side-car loads.'),
    dashboardLabels: words
      .default({ grafana_dashboard: '1' })
      .describe('Labels of these ConfigMaps: those that the side-car looks for.'),
    rules: flag(false, 'Objectives and alerts as a PrometheusRule; wants the Prometheus operator.'),
  }),
  rbac: group('Rights.', {
    create: flag(true, 'Make the roles; without it somebody else grants them.'),
    clusterReads: flag(
      true,
      'With watchNamespace: a ClusterRole to read nodes and storage classes, which belong to no namespace. Without it every MeetingCluster needs spec.turn.externalAddresses, and spec.store.storageClassName.',
    ),
    userRoles: flag(
      true,
      'ClusterRoles for people: to look at MeetingClusters (part of view), and to edit them (to be bound on purpose).',
    ),
  }),
  serviceAccount: group('Who the operator is.', {
    create: flag(true, 'Make it.'),
    name: z.string().min(1).default('parley-operator').describe('Its name.'),
    annotations: words.default({}).describe('Annotations of it.'),
  }),
  resources: anything
    .default({ requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } })
    .describe('Of the operator’s container.'),
  podAnnotations: words.default({}).describe('Annotations of the operator’s pods.'),
  podLabels: words.default({}).describe('More labels of the operator’s pods.'),
  nodeSelector: words.default({}).describe('Nodes that the operator may run on.'),
  tolerations: z.array(anything).default([]).describe('Taints that the operator tolerates.'),
  affinity: anything.default({}).describe('Affinity of the operator’s pods.'),
  priorityClassName: z.string().default('').describe('Priority class of the operator’s pods.'),
  podDisruptionBudget: group('Node drains take the operator’s pods one at a time.', {
    enabled: flag(true, 'Make it.'),
  }),
  serviceMonitor: group('Metrics of the operator, for the Prometheus operator.', {
    enabled: flag(false, 'Make a ServiceMonitor; its CRD must be there.'),
    interval: z.string().default('30s').describe('How often it is scraped.'),
    labels: words.default({}).describe('Labels by which your Prometheus finds it.'),
  }),
  networkPolicy: group('Who may reach the operator, and what it may reach.', {
    enabled: flag(false, 'Make a NetworkPolicy.'),
    apiServer: z
      .array(
        z.strictObject({
          port: z.int().min(1).max(65535),
          protocol: z.literal('TCP'),
        }),
      )
      .default([
        { port: 443, protocol: 'TCP' },
        { port: 6443, protocol: 'TCP' },
      ])
      .describe('Ports of the API server.'),
  }),
  crds: group('The custom resources.', {
    install: flag(true, 'Install and upgrade them with the chart.'),
    keep: flag(true, 'Leave them, and with them every MeetingCluster, when the chart is removed.'),
  }),
  global: anything.optional().describe('Given by Helm to charts within charts; not used.'),
})

export type InstallValues = z.output<typeof installValuesSchema>
export type GivenValues = z.input<typeof installValuesSchema>

/** A value is not there, or not of its kind. The message names each, a line each. */
export class InvalidValues extends Error {
  readonly code = 'INVALID_VALUES'
}

/**
 * The values given upon the defaults, as Helm puts them together: maps are merged, null takes a default away, and
 * anything else replaces it. @throws InvalidValues
 */
export function installValues(given: unknown = {}): InstallValues {
  const { success, data, error } = installValuesSchema.safeParse(
    merged(installValuesSchema.parse({}), given),
  )
  if (success) return data
  const lines = error.issues.map(({ path, message }) => `${path.join('.') || 'values'}: ${message}`)
  throw new InvalidValues(`${lines.join('; ')}. The chart's README.md lists the values`)
}

function merged(defaults: unknown, given: unknown): unknown {
  if (!isMap(defaults) || !isMap(given)) return given
  const result: Record<string, unknown> = { ...defaults }
  for (const [key, value] of Object.entries(given)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
