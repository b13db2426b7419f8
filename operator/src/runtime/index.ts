export { ApiClient } from './client.ts'
export { NotFound } from './errors.ts'
export { createMetrics } from './metrics.ts'
export {
  DEPLOYMENTS,
  type K8sObject,
  MEETING_CLUSTERS,
  PODS,
  SECRETS,
} from './resources.ts'
