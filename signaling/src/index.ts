export { ConfigError, parseConfig, type SignalingConfig } from './config.ts'
export { type Signaling, type SignalingDeps, startSignaling } from './server.ts'
