export { type Component, ensureBinaries } from './binaries.ts'
export { DevclusterError, type DevclusterErrorCode } from './errors.ts'
export { kubectl, kubectlPath } from './kubectl.ts'
export {
  type ControlPlane,
  type StartControlPlaneOptions,
  startControlPlane,
} from './local-control-plane.ts'
export type { Lifetime } from './process.ts'
export { formatProgress, type OnProgress, type ProgressEvent } from './progress.ts'
export { leftovers } from './teardown.ts'
