import { unroutedTraffic } from '@parley/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Sample } from './rows.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** When it came, by `performance.now()`; 0 once it was counted. */
    cameAt: number
  }
}

export type HttpCounts = {
  /** Once for each route, before any request comes. */
  expect(method: string, route: string): void
  record(sample: Sample): void
}

/**
 * Counts each request as its answer is handed over (REQ-H1): by the route's template, so that nothing of a URL and no
 * token is in it, with the sizes of bodies. An answer is counted before any of it is sent: what somebody got an
 * answer to was counted.
 *
 * Socket.IO's own requests and what is no HTTP at all come to no route, and are not counted.
 */
export function monitorHttp(app: FastifyInstance, counts: HttpCounts): void {
  app.decorateRequest('cameAt', 0)
  app.addHook('onRoute', ({ method, url }) => {
    // Fastify adds HEAD to each GET; nobody's meeting asks for it.
    for (const one of [method].flat()) if (one !== 'HEAD') counts.expect(one, url)
  })
  app.addHook('onRequest', (request, _reply, done) => {
    request.cameAt = performance.now()
    done()
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    if (request.cameAt !== 0) counts.record(sampleOf(request, reply, payload))
    // An answer that fails on its way has another one, of the same request.
    request.cameAt = 0
    done()
  })
}

function sampleOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): Sample {
  // Once: it is made anew each time that it is asked for.
  const { url = unroutedTraffic, bodyLimit } = request.routeOptions
  return {
    protocol: 'http',
    name: url,
    method: request.method,
    status: String(reply.statusCode),
    micros: (performance.now() - request.cameAt) * 1000,
    bytesIn: bodyOf(request, bodyLimit),
    bytesOut: request.method === 'HEAD' ? 0 : sizeOf(payload, reply),
  }
}

/** What says that it is larger than any body that is read may say what it likes: it is refused unread. */
function bodyOf({ headers }: FastifyRequest, limit: number): number {
  const said = Number(headers['content-length'] ?? 0)
  return said <= limit ? said : 0
}

function sizeOf(payload: unknown, reply: FastifyReply): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload)
  if (Buffer.isBuffer(payload)) return payload.length
  // Of a stream, what its headers say.
  return payload ? Number(reply.getHeader('content-length') ?? 0) : 0
}
