import {
  type AdminCosts,
  meterTokenHeader,
  type TrafficLive,
  type TrafficSeries,
  trafficLiveSchema,
  trafficSeriesSchema,
} from '@parley/protocol'
import type { Logger } from 'pino'
import { z } from 'zod'
import { SignalingError } from '../errors.ts'

/** What admins are told of the meter's: three fixed questions, none of them made of what a client sent. */
export type MeterReader = {
  /** @throws {SignalingError} `unavailable` while the meter does not answer, as all of these */
  costs(tenant: string): Promise<AdminCosts>
  /** The last minutes of requests. */
  http(): Promise<TrafficLive>
  /** The last day of them, by the hour. */
  httpSeries(): Promise<TrafficSeries>
}

const answerMs = 5000
/** Many pages ask; the meter's own figures are no fresher. */
const freshMs = 2000
const costsFreshMs = 10_000
const hourMs = 3_600_000
const mostRows = 10_000

const costRowsSchema = z.object({
  currency: z.string(),
  rows: z.array(z.object({ tenant: z.string().optional(), totalCost: z.number() })),
})

/**
 * @param options.url of the meter, `http://demo-meter:8090`
 * @param options.token as it is now; undefined: its file has not been read yet
 */
export function meterReader(options: {
  url: string
  token(): string | undefined
  /** Epoch ms. */
  now(): number
  log: Logger
}): MeterReader {
  const { url, now, log } = options
  const kept = new Map<string, { at: number; answer: Promise<unknown> }>()

  async function ask<T>(path: string, query: Record<string, string>, schema: z.ZodType<T>) {
    const token = options.token()
    if (token === undefined) throw away('its token is not there yet')
    const address = new URL(path, url)
    address.search = new URLSearchParams(query).toString()
    try {
      const response = await fetch(address, {
        headers: { [meterTokenHeader]: token },
        signal: AbortSignal.timeout(answerMs),
        redirect: 'error',
      })
      if (!response.ok) throw new Error(`it answered ${response.status}`)
      return schema.parse(await response.json())
    } catch (cause) {
      const { message } = cause as Error
      log.warn({ path, problem: message.slice(0, 200) }, 'meter not read')
      throw away('it does not answer', cause)
    }
  }

  /** Asked once in a while for everybody who wants to know. */
  function shared<T>(key: string, forMs: number, make: () => Promise<T>): Promise<T> {
    const known = kept.get(key)
    if (known && Math.abs(now() - known.at) < forMs) return known.answer as Promise<T>
    const answer = make()
    kept.set(key, { at: now(), answer })
    answer.catch(() => kept.delete(key))
    return answer
  }

  async function costsSince(from: number) {
    const query = {
      by: 'tenant',
      from: new Date(from).toISOString(),
      to: new Date(now()).toISOString(),
      limit: String(mostRows),
    }
    return ask('/api/v1/report', query, costRowsSchema)
  }

  return {
    async costs(tenant) {
      const at = now()
      const lately = Math.floor(at / hourMs) * hourMs - hourMs
      const date = new Date(at)
      const month = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
      const [recent, all] = await shared('costs', costsFreshMs, () =>
        Promise.all([costsSince(lately), costsSince(Math.min(month, at - 1))]),
      )
      const of = ({ rows }: typeof recent) =>
        rows.reduce((sum, row) => sum + (row.tenant === tenant ? row.totalCost : 0), 0)
      return {
        currency: recent.currency,
        perHour: Math.max(0, of(recent) / ((at - lately) / hourMs)),
        monthToDate: Math.max(0, of(all)),
      }
    },
    http: () =>
      shared('http', freshMs, () =>
        ask('/api/v1/traffic/live', { protocol: 'http', limit: '20' }, trafficLiveSchema),
      ),
    httpSeries: () =>
      shared('series', costsFreshMs, () =>
        ask('/api/v1/traffic/series', { protocol: 'http', step: 'hour' }, trafficSeriesSchema),
      ),
  }
}

function away(why: string, cause?: unknown): SignalingError {
  return new SignalingError('unavailable', `the meter cannot be asked: ${why}; try again shortly`, {
    cause,
  })
}
