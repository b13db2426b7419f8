import { ConfigError, parseConfig } from './config.ts'
import { startSignaling } from './server.ts'

/**
 * The process: configuration from the environment. SIGTERM hands its clients over first, where
 * PARLEY_DRAIN_SECONDS says so; SIGINT, or a second SIGTERM, stops it at once, in order.
 */
try {
  const server = await startSignaling(parseConfig(process.env))
  let draining = false
  let closing = false
  const stop = () => {
    if (closing) process.exit(1)
    closing = true
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('uncaughtException', (fault) => {
    process.stderr.write(`${fault instanceof Error ? fault.stack : String(fault)}\n`)
    server.reportCrash(fault).finally(() => process.exit(1))
  })
  process.on('SIGINT', stop)
  process.on('SIGTERM', () => {
    if (draining) return stop()
    draining = true
    server.drain().finally(() => closing || stop())
  })
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof ConfigError ? 2 : 1)
}
