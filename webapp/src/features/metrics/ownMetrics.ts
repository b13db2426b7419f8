import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { loadPageConfig } from '../signIn/pageConfig.ts'
import { CallMonitor, type CallMonitorOptions } from './CallMonitor.ts'
import type { EngineResult } from './MetricsEngine.ts'
import { openMetricsSocket } from './metricsSocket.ts'

/** A page that joins has better things to do than to start what watches it. */
const laterMs = 1000

/** Where a worker cannot be had there are no figures, and the call goes on without. */
const startEngine: CallMonitorOptions['startEngine'] = (onResult) => {
  const worker = new Worker(new URL('./metricsWorker.ts', import.meta.url), { type: 'module' })
  worker.onmessage = ({ data }: MessageEvent<EngineResult>) => onResult(data)
  worker.onerror = (error) => console.warn('metrics worker', { error: error.message })
  return { post: (request) => worker.postMessage(request), stop: () => worker.terminate() }
}

export const ownMetrics = new CallMonitor({
  metrics: cell('metrics'),
  config: async () => {
    await new Promise<void>((resolve) => void systemClock.after(laterMs, resolve))
    return (await loadPageConfig().catch(() => undefined))?.config.metrics
  },
  startEngine,
  createSocket: openMetricsSocket,
  epochMs: () => Date.now(),
})

store.subscribe(({ call: { phase } }, { call: before }) => {
  if (phase !== before.phase && (phase === 'left' || phase === 'failed')) ownMetrics.stop()
})
