export { LeadershipLost, type ManagerOptions, runManager } from './reconcile/manager.ts'
export { LOOK_AGAIN_MS } from './reconcile/reconcile.ts'
