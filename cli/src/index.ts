export { runCli } from './cli.ts'
export { askMeter, withApi } from './cluster.ts'
