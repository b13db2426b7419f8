/** What the operator may do: each verb is one that its code uses, and there is no wildcard. */

export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  /** Only these; without it, all. */
  resourceNames?: string[]
  verbs: string[]
}

const watch = ['list', 'watch']
const own = ['get', 'list', 'watch', 'create', 'patch', 'delete']

/** Wherever there are MeetingClusters. */
export const managerRules: PolicyRule[] = [
  { apiGroups: ['parley.dev'], resources: ['meetingclusters'], verbs: watch },
  { apiGroups: ['parley.dev'], resources: ['meetingclusters/status'], verbs: ['patch'] },
  // Owner references with blockOwnerDeletion, where that admission plugin is on.
  { apiGroups: ['parley.dev'], resources: ['meetingclusters/finalizers'], verbs: ['update'] },
  {
    apiGroups: [''],
    resources: ['configmaps', 'secrets', 'serviceaccounts', 'services'],
    verbs: own,
  },
  {
    apiGroups: [''],
    resources: ['persistentvolumeclaims'],
    verbs: own.filter((verb) => verb !== 'delete'),
  },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: own },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: own },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: own },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'networkpolicies'], verbs: own },
  // Of TURN over TLS, where cert-manager is asked for it.
  { apiGroups: ['cert-manager.io'], resources: ['certificates'], verbs: own },
  {
    apiGroups: ['monitoring.coreos.com'],
    resources: ['prometheusrules', 'servicemonitors'],
    verbs: own,
  },
  // Which nodes TURN pods run on, and a nudge so that a pod sees a changed ConfigMap at once.
  { apiGroups: [''], resources: ['pods'], verbs: [...watch, 'patch'] },
  // The meter's figures, through the API server.
  { apiGroups: [''], resources: ['services/proxy'], verbs: ['get'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
]

/** Wherever there are MeetingClusters: the RelayCostReports of periods that are over. */
export const reportRules: PolicyRule[] = [
  {
    apiGroups: ['parley.dev'],
    resources: ['relaycostreports'],
    verbs: ['list', 'create', 'patch', 'delete'],
  },
]

/** Of what belongs to no namespace. */
export const clusterRules: PolicyRule[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: watch },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: watch },
]

/** In the operator's own namespace: leader election. */
export const leaseRules: PolicyRule[] = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    // Listed, to see whether another number of shards is at work.
    verbs: ['get', 'list', 'create', 'update'],
  },
]

/**
 * In the operator's own namespace, where it looks after another one alone: what it remembers for its next start. Else
 * it may do that anyway.
 */
export const rememberRules: PolicyRule[] = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: ['parley-manager-remembered'],
    verbs: ['get', 'patch'],
  },
]

/** The same of each shard: the names say which of how many it is. */
export const shardsRememberRules: PolicyRule[] = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] },
]

/** Of the API server's extension by which autoscalers read metrics, where it is served. */
export const metricsApiRules: PolicyRule[] = [
  {
    apiGroups: ['apiregistration.k8s.io'],
    resources: ['apiservices'],
    resourceNames: ['v1beta1.external.metrics.k8s.io', 'v1beta2.custom.metrics.k8s.io'],
    verbs: ['get', 'create', 'patch', 'delete'],
  },
  {
    apiGroups: ['apiregistration.k8s.io'],
    resources: ['apiservices'],
    resourceNames: ['v1beta1.custom.metrics.k8s.io'],
    verbs: ['get'],
  },
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
  },
  // Its UID: the APIServices go when this role goes.
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['clusterroles'],
    resourceNames: ['parley-operator-metrics-api'],
    verbs: ['get'],
  },
]

/** In the operator's own namespace: its serving certificate. */
export const metricsApiSecretRules: PolicyRule[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: ['parley-metrics-api-tls'],
    verbs: ['get', 'update'],
  },
]
