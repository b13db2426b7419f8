import { once } from 'node:events'
import { pino } from 'pino'
import { meterConfigFromEnv } from './config.ts'
import { startMeter } from './meter.ts'

/**
 * The meter process: runs until SIGTERM or SIGINT, then writes what is not written yet.
 * @throws {MeterConfigError | StoreError | MeterError} with the fix in the message
 */
export async function runMeter(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const logger = pino({ name: 'meter' })
  const meter = await startMeter(meterConfigFromEnv(env), { logger })
  const stop = new AbortController()
  const { signal } = stop
  await Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })])
  stop.abort()
  logger.info('meter stopping')
  await meter.close()
}
