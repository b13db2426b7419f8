export {
  LeadershipLost,
  LOOK_AGAIN_MS,
  type ManagerOptions,
  runManager,
} from './reconcile/manager.ts'
