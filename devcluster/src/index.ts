export { continuedAsRoot } from './as-root.ts'
export { CLUSTER_COMPONENTS, type Component, ensureBinaries } from './binaries.ts'
export {
  attachClient,
  type ClientNamespace,
  type Cluster,
  type ClusterStatus,
  down,
  loadImage,
  status,
  statusOfAll,
  type UpOptions,
  up,
} from './cluster.ts'
export { DevclusterError, type DevclusterErrorCode } from './errors.ts'
export { freePort, freePorts } from './free-ports.ts'
export { crdsEstablished, kubectl, kubectlPath } from './kubectl.ts'
export {
  type ControlPlane,
  type StartControlPlaneOptions,
  startControlPlane,
} from './local-control-plane.ts'
export { withLock } from './lock.ts'
export type { NodeAddresses } from './network.ts'
export { ensurePackages, ensurePrograms, findProgram } from './packages.ts'
export type { Lifetime } from './process.ts'
export {
  formatProgress,
  type OnProgress,
  type ProgressEvent,
  printProgress,
  step,
} from './progress.ts'
export { leftovers } from './teardown.ts'
