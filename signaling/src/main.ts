import { ConfigError, parseConfig } from './config.ts'
import { startSignaling } from './server.ts'

/** The process: configuration from the environment, SIGTERM and SIGINT stop it in order. */
try {
  const server = await startSignaling(parseConfig(process.env))
  const stop = () => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof ConfigError ? 2 : 1)
}
