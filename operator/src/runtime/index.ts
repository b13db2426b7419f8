export { ApiClient } from './client.ts'
export { Forbidden, NotFound, TooManyRequests } from './errors.ts'
export { createMetrics } from './metrics.ts'
export {
  CONFIG_MAPS,
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  type K8sObject,
  LEASES,
  MEETING_CLUSTERS,
  NODES,
  objectPath,
  PODS,
  type Resource,
  SECRETS,
  SERVICES,
} from './resources.ts'
