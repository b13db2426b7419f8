import type { AddressInfo } from 'node:net'
import { buildReport } from '@parley/relay-cost'
import { type Logger, pino } from 'pino'
import { Accounting } from './accounting.ts'
import type { MeterConfig } from './config.ts'
import { MeterError } from './errors.ts'
import { followStatsdb } from './feed.ts'
import { CostFigures } from './figures.ts'
import { meterHttp } from './http.ts'
import { relayRegistry } from './metrics.ts'
import { openStore } from './store/open.ts'

/** How old the cost figures of /summary and /metrics may be. */
const figuresIntervalMs = 10_000

export type RunningMeter = {
  /** `http://host:port` */
  url: string
  /** Writes what is not written yet and stops. Rejects where the last write fails. */
  close(): Promise<void>
}

export type MeterDependencies = { now?: () => number; logger?: Logger }

/**
 * Starts a meter: it counts what coturn publishes, keeps it in the store, and answers over HTTP.
 * Redis may be away, at the start and later; the meter then waits for it and is not ready.
 * @throws {StoreError} where the store cannot be opened
 * @throws {MeterError} `METER_PORT` where it cannot listen
 */
export async function startMeter(
  config: MeterConfig,
  { now = Date.now, logger = pino() }: MeterDependencies = {},
): Promise<RunningMeter> {
  const store = await openStore(config.storeUrl)
  const accounting = new Accounting(store)
  await accounting.resume(now())
  const figures = new CostFigures(store, config.prices, config.region)
  await figures.refresh(now())

  const feed = followStatsdb({
    redisUrl: config.redisUrl,
    cluster: config.cluster,
    now,
    onEvent: (event) => accounting.count(event),
    onStatusFound: (status) => accounting.find(status),
    logger,
  })
  const flush = () =>
    accounting.flush(now()).catch((error: Error) => {
      logger.error({ err: error }, 'store write failed; kept in memory and tried again')
    })
  const timers = [
    setInterval(flush, config.flushIntervalMs),
    setInterval(() => {
      figures.refresh(now()).catch((error: Error) => {
        logger.error({ err: error }, 'cost figures not refreshed')
      })
    }, figuresIntervalMs),
  ]

  const registry = relayRegistry(accounting, figures, config, now)
  const app = meterHttp({
    token: config.token,
    now,
    logger,
    troubles: () => ({
      ...(feed.connected() ? {} : { redis: 'not subscribed to statsdb' }),
      ...(accounting.writeError ? { store: accounting.writeError.message } : {}),
    }),
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    async report(window, by) {
      await accounting.flush(now())
      return buildReport({
        allocations: await store.records(window),
        window,
        prices: config.prices,
        by,
        region: config.region,
        asOf: Math.min(now(), window.to),
      })
    },
    async summary() {
      await accounting.flush(now())
      await figures.refresh(now())
      return figures.summary(accounting, now())
    },
    load: () => accounting.load(now()),
  })

  const close = async () => {
    for (const timer of timers) clearInterval(timer)
    await app.close()
    await feed.close()
    try {
      await accounting.flush(now())
    } finally {
      await store.close()
    }
  }

  try {
    await app.listen({ port: config.port, host: config.host })
  } catch (error) {
    await close()
    const { message } = error as Error
    throw new MeterError(
      'METER_PORT',
      `cannot listen on port ${config.port}: ${message}; set METER_PORT to a free one`,
      { cause: error },
    )
  }
  const { port } = app.server.address() as AddressInfo
  logger.info({ port, cluster: config.cluster, prices: config.prices.name }, 'meter started')
  return { url: `http://127.0.0.1:${port}`, close }
}
