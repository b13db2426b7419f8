export { LeadershipLost, type ManagerOptions, runManager } from './reconcile/manager.ts'
