export { loadConfig } from './config/load.ts'
export { exampleFiles } from './example.ts'
export { synthesize } from './synth.ts'
