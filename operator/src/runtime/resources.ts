/** A kind as the API server serves it: enough to build a path and to name it in an error. */
export interface Resource {
  /** '' for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
}

/** What of an object the runtime itself looks at; everything else is passed through as it came. */
export interface K8sObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  deletionTimestamp?: string
  creationTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  managedFields?: ManagedFieldsEntry[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ManagedFieldsEntry {
  manager?: string
  operation?: string
  subresource?: string
  /** As JSON text where it came in protobuf. */
  fieldsV1?: unknown
}

export interface ListBody {
  metadata: { resourceVersion: string; continue?: string }
  /** null where there is none. */
  items: K8sObject[] | null
}

function resource(
  group: string,
  version: string,
  kind: string,
  plural: string,
  namespaced = true,
): Resource {
  return { group, version, kind, plural, namespaced }
}

export const MEETING_CLUSTERS = resource(
  'parley.dev',
  'v1alpha1',
  'MeetingCluster',
  'meetingclusters',
)
export const RELAY_COST_REPORTS = resource(
  'parley.dev',
  'v1alpha1',
  'RelayCostReport',
  'relaycostreports',
)
export const CONFIG_MAPS = resource('', 'v1', 'ConfigMap', 'configmaps')
export const SECRETS = resource('', 'v1', 'Secret', 'secrets')
export const SERVICES = resource('', 'v1', 'Service', 'services')
export const SERVICE_ACCOUNTS = resource('', 'v1', 'ServiceAccount', 'serviceaccounts')
export const PERSISTENT_VOLUME_CLAIMS = resource(
  '',
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
)
export const PODS = resource('', 'v1', 'Pod', 'pods')
export const NODES = resource('', 'v1', 'Node', 'nodes', false)
export const DEPLOYMENTS = resource('apps', 'v1', 'Deployment', 'deployments')
export const STATEFUL_SETS = resource('apps', 'v1', 'StatefulSet', 'statefulsets')
export const HORIZONTAL_POD_AUTOSCALERS = resource(
  'autoscaling',
  'v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
)
export const POD_DISRUPTION_BUDGETS = resource(
  'policy',
  'v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
)
export const NETWORK_POLICIES = resource(
  'networking.k8s.io',
  'v1',
  'NetworkPolicy',
  'networkpolicies',
)
export const INGRESSES = resource('networking.k8s.io', 'v1', 'Ingress', 'ingresses')
export const STORAGE_CLASSES = resource(
  'storage.k8s.io',
  'v1',
  'StorageClass',
  'storageclasses',
  false,
)
/** Of the Prometheus operator; may not be installed. */
export const SERVICE_MONITORS = resource(
  'monitoring.coreos.com',
  'v1',
  'ServiceMonitor',
  'servicemonitors',
)
/** Of the Prometheus operator; may not be installed. */
export const PROMETHEUS_RULES = resource(
  'monitoring.coreos.com',
  'v1',
  'PrometheusRule',
  'prometheusrules',
)
/** Of cert-manager; may not be installed. */
export const CERTIFICATES = resource('cert-manager.io', 'v1', 'Certificate', 'certificates')
export const LEASES = resource('coordination.k8s.io', 'v1', 'Lease', 'leases')
export const EVENTS = resource('events.k8s.io', 'v1', 'Event', 'events')

/** `deployments.apps`, `pods`: the name that RBAC messages and kubectl use. */
export function resourceName(resource: Resource, subresource?: string): string {
  const name = resource.group ? `${resource.plural}.${resource.group}` : resource.plural
  return subresource ? `${name}/${subresource}` : name
}

export function apiVersionOf(resource: Resource): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version
}

/** Path of a collection; without a namespace, of all namespaces. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group ? `/apis/${resource.group}/${resource.version}` : '/api/v1'
  return resource.namespaced && namespace
    ? `${root}/namespaces/${namespace}/${resource.plural}`
    : `${root}/${resource.plural}`
}

export function objectPath(resource: Resource, namespace: string | undefined, name: string) {
  return `${collectionPath(resource, namespace)}/${name}`
}
