export { runCli } from './cli.ts'
export { askMeter, withApi } from './cluster.ts'
export { startUp, type Up } from './up/up.ts'
