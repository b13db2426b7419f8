import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ReportDimension, relayMetrics } from '@parley/protocol'
import { pricesOver, type Window } from '@parley/relay-cost'
import { type Logger, pino } from 'pino'
import { Accounting } from './accounting.ts'
import { adviceFrom } from './advice.ts'
import type { MeterConfig } from './config.ts'
import { MeterError, StoreError } from './errors.ts'
import { followStatsdb } from './feed.ts'
import { CostFigures } from './figures.ts'
import { meterHttp } from './http.ts'
import { registerTraffic, relayRegistry } from './metrics.ts'
import { factsFrom } from './places/facts.ts'
import { readMediaPods } from './places/pods-file.ts'
import { followLinkReports } from './reasons/feed.ts'
import { UnusedRelays } from './reasons/unused-relays.ts'
import { type PricesOf, reportFrom } from './report.ts'
import { ReportFiles } from './report-files.ts'
import { SteadyClock } from './steady-clock.ts'
import { openStore } from './store/open.ts'
import { openTraffic } from './traffic/open-traffic.ts'
import { Usage } from './usage.ts'

/** How old the cost figures of /summary and /metrics may be, while working them out is quick. */
const figuresIntervalMs = 10_000
/** Of the time, at most one part in so many goes into working out figures. */
const figuresShare = 20
/** How often hours that are over are rolled up, what is too old is deleted, and report files are written. */
const settleIntervalMs = 60_000
/** How often it is noted which pods are there, and that coturn is heard: what is not known of an end. */
const notesIntervalMs = 10_000
/** Rows of report files: what a bill is checked by, without names of participants. */
const filesBy: readonly ReportDimension[] = ['day', 'tenant', 'room', 'region', 'reason']

export type RunningMeter = {
  /** `http://host:port` */
  url: string
  /** Writes what is not written yet and stops. Rejects where the last write fails. */
  close(): Promise<void>
}

export type MeterDependencies = {
  /** Epoch ms. */
  now?: () => number
  /** Ms that have passed since whenever; nobody sets it, as they do `now`. */
  elapsed?: () => number
  logger?: Logger
}

/**
 * Starts a meter: it counts what coturn publishes, keeps it in the store, and answers over HTTP.
 * Redis and a database may be away, at the start and later; the meter then counts what it can, in
 * memory, waits for them and is not ready.
 * @throws {StoreError} where the store cannot be opened
 * @throws {MeterError} `METER_PORT` where it cannot listen
 */
export async function startMeter(
  config: MeterConfig,
  { now = Date.now, elapsed = () => performance.now(), logger = pino() }: MeterDependencies = {},
): Promise<RunningMeter> {
  const store = await openStore(config.storeUrl, {
    ca: config.storeCa,
    meter: `${config.region}/${config.namespace}/${config.cluster}`,
  })
  const usage = new Usage(store, factsFrom(now, config.region))
  const unusedRelays = new UnusedRelays()
  const accounting = new Accounting(
    store,
    usage,
    config.bufferAllocations,
    ({ allocation }) =>
      logger.warn(
        { realm: allocation.realm, allocation: allocation.id },
        `a counter would bring an allocation past 2^53 bytes and is not counted; ${relayMetrics.overflows.name} counts all such`,
      ),
    (holder) => unusedRelays.has(holder),
  )
  const pricesOf: PricesOf = (window) => pricesOver(config.prices, window, config.region)
  const currency = config.prices[0]?.currency ?? ''
  const figures = new CostFigures(usage, pricesOf, currency)
  const report = (window: Window, by: readonly ReportDimension[]) =>
    reportFrom([{ usage, pricesOf }], {
      window,
      by,
      asOf: now(),
      open: window.to >= now() ? accounting.open(now()).allocations : 0,
    })
  const files =
    config.reports && new ReportFiles(config.reports, (window) => report(window, filesBy))
  const clock = new SteadyClock(now, elapsed, (ms) =>
    logger.warn(
      { stepSeconds: Math.round(ms / 1000) },
      'the clock was set by more than an hour: nothing is settled, deleted or noted for an hour',
    ),
  )
  const flush = () => accounting.flush(now())
  const price = () => figures.refresh(now())
  let saidRegion = false
  const notePlaces = async () => {
    if (!clock.isSteady()) return
    const [book] = await store.books()
    const from = feed.heardSince()
    if (from !== undefined) await book?.heard.note({ from, to: now() })
    if (!saidRegion) await book?.setRegion(config.region)
    saidRegion = true
    if (config.podsFile) await book?.pods.put(await readMediaPods(config.podsFile, now()), now())
  }
  const settle = async () => {
    if (!clock.isSteady()) return
    await usage.rollUp(now())
    await usage.forget(config.retention, now())
    const { written = [], unpriced } = (await files?.write(await usage.since(), now())) ?? {}
    if (written.length) logger.info({ files: written.length }, 'report files written')
    if (unpriced) throw unpriced
  }

  // An error that stays the same is one line in the log, not one every two seconds.
  const said = new Map<string, string>()
  const attempt = async (work: () => Promise<void>, failure: string) => {
    try {
      await work()
      if (said.delete(failure)) logger.info({ after: failure }, 'that works again')
    } catch (error) {
      const { message } = error as Error
      if (said.get(failure) !== message) logger.error({ err: error }, failure)
      said.set(failure, message)
    }
  }
  const keepStore = () => attempt(flush, 'store write failed; kept in memory and tried again')
  const keepFigures = () => attempt(price, 'cost figures not refreshed')
  const keepSettled = () => attempt(settle, 'hours not rolled up, or report files not written')
  const keepNotes = () => attempt(notePlaces, 'not noted where the TURN pods are')
  await keepStore()

  const feed = followStatsdb({
    redisUrl: config.redisUrl,
    cluster: config.cluster,
    now,
    onEvent: (event) => accounting.count(event),
    onStatusFound: (status) => accounting.find(status),
    onSubscribed: () => void keepNotes(),
    logger,
  })
  await keepNotes()
  await keepFigures()
  const links = followLinkReports({
    redisUrl: config.redisUrl,
    cluster: config.cluster,
    async onReports(records) {
      unusedRelays.take(records)
      const [book] = await store.books()
      await book?.links.merge(records)
    },
    logger,
  })
  const traffic =
    config.traffic &&
    (await openTraffic(config.traffic, {
      redisUrl: config.redisUrl,
      cluster: config.cluster,
      async book() {
        const [book] = await store.books()
        if (book === undefined)
          throw new StoreError('STORE_WRITE', 'the store has no book to write')
        return book.traffic
      },
      now,
      logger,
    }))
  const loops = [
    every(() => config.flushIntervalMs, keepStore),
    every((tookMs) => Math.max(figuresIntervalMs, figuresShare * tookMs), keepFigures),
    every(() => settleIntervalMs, keepSettled),
    every(() => notesIntervalMs, keepNotes),
  ]
  const troubles = () => {
    const redis = feed.trouble()
    const { error } = figures
    const isOfStore = error instanceof StoreError
    const store = accounting.storeError ?? (isOfStore ? error : undefined)
    return {
      ...(redis && { redis }),
      ...(store && { store: store.message }),
      ...(error && !isOfStore && { prices: error.message }),
    }
  }

  const registry = relayRegistry(accounting, figures, config, troubles, feed.gaps, now)
  if (traffic) registerTraffic(registry, traffic, config)
  const app = meterHttp({
    token: config.token,
    now,
    logger,
    troubles,
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    async report(window, by, advice) {
      await flush()
      const made = await report(window, by)
      if (!advice) return made
      const request = { window, pricesOf, asOf: now(), open: 0 }
      return { ...made, advice: await adviceFrom(await store.books(), usage, request) }
    },
    summary: async () => figures.summary(accounting, troubles(), now()),
    load: () => accounting.load(now()),
    traffic: traffic?.api,
  })

  const close = async () => {
    await Promise.all(loops.map((stop) => stop()))
    await app.close()
    await keepNotes()
    await feed.close()
    await links.close()
    await traffic?.close()
    try {
      await flush()
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
  logger.info(
    { port, cluster: config.cluster, prices: config.prices.map(({ name }) => name) },
    'meter started',
  )
  return { url: `http://127.0.0.1:${port}`, close }
}

/**
 * Does the work again and again, with a pause after each end of it that may depend on how long it took.
 * Work must not reject. The answer stops it, and waits for what is under way.
 */
function every(
  pauseMs: (tookMs: number) => number,
  work: () => Promise<void>,
): () => Promise<void> {
  const stop = new AbortController()
  const run = async () => {
    let tookMs = 0
    for (;;) {
      await sleep(pauseMs(tookMs), undefined, { signal: stop.signal })
      const startedAt = performance.now()
      await work()
      tookMs = performance.now() - startedAt
    }
  }
  const ended = run().catch((error: Error) => {
    if (error.name !== 'AbortError') throw error
  })
  return () => {
    stop.abort()
    return ended
  }
}
