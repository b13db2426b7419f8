import { createHash, timingSafeEqual } from 'node:crypto'
import {
  meterTokenHeader,
  type RelayCostReport,
  type RelayLoad,
  type RelaySummary,
  type ReportDimension,
} from '@parley/protocol'
import { parseBy, parseWindow, RelayCostError, type Window } from '@parley/relay-cost'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { z } from 'zod'
import { type flatPaths, queries, ReportPages } from './api-v1.ts'
import { MeterError, StoreError } from './errors.ts'
import { openApiDocument } from './openapi.ts'
import { type TrafficApi, TrafficOffError, trafficQueries } from './traffic/api.ts'

export type MeterApi = {
  token: string
  now: () => number
  /** What keeps the meter from doing its work; empty when nothing does. */
  troubles: () => Record<string, string>
  metrics: () => Promise<{ contentType: string; text: string }>
  /** @param advice whether to say what could cost less, too */
  report: (
    window: Window,
    by: readonly ReportDimension[],
    advice?: boolean,
  ) => Promise<RelayCostReport>
  summary: () => Promise<RelaySummary>
  load: () => RelayLoad
  /** What servers did; left out: nobody counts it. */
  traffic?: TrafficApi | undefined
  logger: Logger
}

const querySchema = z.strictObject({
  window: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  by: z.string().optional(),
  limit: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .refine((rows) => rows <= 100_000)
    .optional(),
  advice: z.enum(['true', 'false']).optional(),
})

class RequestError extends MeterError {
  readonly status: number
  constructor(status: number, code: string, message: string) {
    super(code, message)
    this.status = status
  }
}

/**
 * The meter's HTTP: probes and metrics for anyone in reach, reports for who has the token. Errors
 * are `{ error: { code, message } }`.
 */
export function meterHttp(api: MeterApi): FastifyInstance {
  const app = Fastify({
    logger: false,
    // What is no URL (`/%ff`) comes to no other handler.
    frameworkErrors: (error, _request, reply) =>
      (reply as FastifyReply).code(error.statusCode ?? 400).send(bodyOf('REQUEST', error.message)),
  })
  /** A path of the flat API, for who has the token. */
  const get = <Query extends z.ZodObject>(
    path: keyof typeof flatPaths,
    schema: Query,
    answer: (query: z.infer<Query>) => unknown,
  ) =>
    app.get(path, async (request) => {
      requireToken(request, api.token)
      const query = schema.safeParse(request.query)
      if (query.success) return answer(query.data)
      const takes = Object.keys(schema.shape).join(', ') || 'nothing'
      const [issue] = query.error.issues
      throw new RequestError(
        400,
        'REPORT_QUERY',
        `the query takes ${takes}, each once; ${issue?.path.join('.') || 'it'}: ${issue?.message}`,
      )
    })

  app.get('/healthz', async () => ({ ok: true }))
  app.get('/readyz', async (_request, reply) => {
    const troubles = api.troubles()
    const ok = Object.keys(troubles).length === 0
    return reply.code(ok ? 200 : 503).send({ ok, troubles })
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await api.metrics()
    return reply.header('content-type', contentType).send(text)
  })
  app.get('/report', async (request) => {
    requireToken(request, api.token)
    const query = querySchema.safeParse(request.query)
    if (!query.success)
      throw new RequestError(
        400,
        'REPORT_QUERY',
        'the query takes window, from, to, by, limit (a number of rows) and advice (true), each once',
      )
    const { by = 'room', limit, advice, ...span } = query.data
    const window = parseWindow(span, api.now())
    return firstRows(await api.report(window, parseBy(by), advice === 'true'), limit)
  })
  app.get('/summary', async (request) => {
    requireToken(request, api.token)
    return api.summary()
  })
  app.get('/load', async (request) => {
    requireToken(request, api.token)
    return api.load()
  })

  const pages = new ReportPages(api.report, api.now)
  app.get('/openapi.json', async () => openApiDocument())
  get('/api/v1/report', queries.report, (query) => pages.page(query))
  get('/api/v1/rooms', queries.rooms, (query) => pages.rooms(query))
  get('/api/v1/series', queries.series, (query) => pages.series(query))
  get('/api/v1/summary', queries.none, () => api.summary())
  get('/api/v1/load', queries.none, () => api.load())
  const traffic = () => {
    if (api.traffic) return api.traffic
    throw new TrafficOffError()
  }
  get('/api/v1/traffic', trafficQueries.page, (query) => traffic().page(query))
  get('/api/v1/traffic/series', trafficQueries.series, (query) => traffic().series(query))
  get('/api/v1/traffic/live', trafficQueries.live, (query) => traffic().live(query))
  get('/api/v1/traffic/alerts', trafficQueries.alerts, (query) => traffic().alerts(query))

  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: 'NOT_FOUND', message: 'no such page' } }),
  )
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof RequestError)
      return reply.code(error.status).send(bodyOf(error.code, error.message))
    if (error instanceof RelayCostError)
      return reply.code(400).send(bodyOf(error.code, error.message))
    if (error.statusCode && error.statusCode < 500)
      return reply.code(error.statusCode).send(bodyOf('REQUEST', error.message))
    // Its message names the store and the fix, and no password.
    if (error instanceof StoreError || error instanceof TrafficOffError)
      return reply.code(503).send(bodyOf(error.code, error.message))
    api.logger.error({ err: error, path: request.routeOptions.url }, 'request failed')
    const code = error instanceof MeterError ? error.code : 'INTERNAL'
    return reply.code(500).send(bodyOf(code, 'the meter could not answer; its log says why'))
  })
  return app
}

/** Those that cost most; the totals stay those of all. */
function firstRows(report: RelayCostReport, limit = report.rows.length): RelayCostReport {
  const { rows, notes } = report
  if (rows.length <= limit) return report
  const note = `The ${limit} of ${rows.length} rows that cost most; the totals are those of all.`
  return { ...report, rows: rows.slice(0, limit), notes: [...notes, note] }
}

function bodyOf(code: string, message: string) {
  return { error: { code, message } }
}

/** Compares in constant time, whatever the lengths. */
function requireToken(request: FastifyRequest, token: string): void {
  const given = request.headers[meterTokenHeader]
  const digest = (text: string) => createHash('sha256').update(text).digest()
  if (typeof given === 'string' && timingSafeEqual(digest(given), digest(token))) return
  throw new RequestError(401, 'UNAUTHENTICATED', `send the meter's token as ${meterTokenHeader}`)
}
