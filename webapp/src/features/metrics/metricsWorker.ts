import { type EngineRequest, type EngineResult, MetricsEngine } from './MetricsEngine.ts'

/** The page's types know a worker only from outside: this is what it sees of itself. */
const self = globalThis as unknown as {
  onmessage: (event: MessageEvent<EngineRequest>) => void
  postMessage(result: EngineResult): void
}

let engine: MetricsEngine | undefined

self.onmessage = ({ data }) => {
  if (data.kind === 'begin') engine = new MetricsEngine(data.emitMs)
  else if (data.kind === 'startOver') engine?.startOver()
  else if (engine) self.postMessage(engine.take(data.readings, data.mayEmit))
}
