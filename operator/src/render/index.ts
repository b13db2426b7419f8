export { type TurnTls, turnTls } from './certificate.ts'
export { CLUSTER_LABEL, EXTERNAL_METRICS, type ExternalMetric } from './external-metrics.ts'
export {
  DEFAULT_IMAGES,
  defaultRenderInputs,
  type ImageName,
  type ImageSource,
  imageReference,
  type Keeper,
  type MediaPodFacts,
  type NodeFacts,
  type RenderInputs,
  type Storage,
  type WorkloadFacts,
} from './inputs.ts'
export type { KubernetesObject, Secret } from './kubernetes.ts'
export { type Limitation, limitations } from './limitations.ts'
export { type PrometheusRule, renderMonitoring } from './monitoring.ts'
export {
  claimNames,
  configMapNames,
  labelsOf,
  METER_PORT,
  namespaceOf,
  objectName,
  secretNames,
  selectorOf,
} from './names.ts'
export { KEYS_GENERATION_ANNOTATION } from './pod.ts'
export { addressOf } from './redis.ts'
export { type SecretReference, secretReferences } from './references.ts'
export {
  keepsAfterDeletion,
  type Rendering,
  renderMeetingCluster,
} from './render.ts'
export {
  formatEntries,
  parseEntries,
  type RotatingSecret,
  rotatingSecrets,
} from './rotating.ts'
export {
  freshEntry,
  generateSecret,
  generateSecrets,
  MissingSecretKey,
  type SecretData,
  secretShapes,
} from './secrets.ts'
export { SFU_METRICS_PORT, sfuAddresses } from './sfu.ts'
export { SIGNALING_PORT } from './signaling.ts'
export {
  advertisedAddresses,
  type TurnReach,
  type TurnService,
  turnReach,
} from './turn-urls.ts'
export { WEBAPP_PORT } from './webapp.ts'
