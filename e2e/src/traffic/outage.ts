import { ok } from 'node:assert/strict'
import { trafficMetrics } from '@parley/protocol'
import { eventually } from '../../../meter/src/testing/servers.ts'
import { countedByMeter, countedIn, figureOf } from './figures.ts'
import { trafficServers } from './servers.ts'
import { ask } from './sweep.ts'

/** The meter stores each second, as servers send: a few seconds of an outage are several flushes of either. */
const often = { METRICS_PROCESS_INTERVAL: '300', METRICS_PERSIST_INTERVAL: '1000' }
const people = 4
const pauseMs = 10
/** Batches that a server keeps while nothing is away: of the seconds until the meter says that they are stored. */
const usual = 4

/** Starts servers that count while people ask; resolves when the first requests are in the store. */
export async function startCounting(
  folder: string,
  over: { signaling?: Record<string, string>; meter?: Record<string, string> } = {},
) {
  const { redis, signaling, meter } = await trafficServers(folder, {
    ...over,
    meter: { ...often, ...over.meter },
  })
  const asked = { answered: 0, cut: 0 }
  const stop = new AbortController()
  let crowd: Promise<void>[] = []
  const close = async () => {
    stop.abort()
    await Promise.all(crowd)
    await Promise.all([signaling.kill(), meter.kill(), redis.kill()])
  }
  /** Asking for it is a request like any other. */
  const figureOfServer = async (name: string) => {
    const figure = await figureOf(signaling.url, name)
    asked.answered += 1
    return figure
  }
  try {
    await redis.start()
    await Promise.all([signaling.start(), meter.start()])
    crowd = Array.from({ length: people }, (_, index) =>
      ask(signaling.url, index, pauseMs, stop.signal, asked),
    )
    await eventually(async () => ok((await countedIn(meter.url, '24h')) > 0))
  } catch (error) {
    await close()
    throw error
  }
  const counting = {
    redis,
    /** Batches that the server keeps, since the store does not have them. */
    unsent: () => figureOfServer(trafficMetrics.unsent.name),
    /** Requests that the server dropped, since it kept as many batches as it may. */
    dropped: () => figureOfServer(trafficMetrics.dropped.name),
    /** Batches in Redis that wait for the store. */
    waiting: () => figureOf(meter.url, trafficMetrics.waiting.name, 'where="pending"'),
    answered: () => asked.answered,
    /** Waits until it runs as without an outage: the server keeps no more than the last flush has not confirmed. */
    caughtUp: () => eventually(async () => ok((await counting.unsent()) <= usual)),
    /** Nobody asks any more, and the server sends what it has left and ends: what came of all that was asked. */
    async outcome() {
      stop.abort()
      await Promise.all(crowd)
      await counting.caughtUp()
      const dropped = await counting.dropped()
      await signaling.end()
      const counted = await countedByMeter(meter.url, asked.answered - dropped)
      return { ...asked, dropped, counted }
    },
    close,
  }
  return counting
}
