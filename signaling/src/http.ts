import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { type AdminApiDeps, serveAdminApi } from './admin/admin-api.ts'
import { type ApiDeps, serveApi } from './api.ts'
import type { Trust } from './client-address.ts'
import { ConfigError } from './config.ts'
import { httpStatus, SignalingError } from './errors.ts'
import { type OriginPolicy, originAllowed } from './origins.ts'
import { securityHeaders } from './security-headers.ts'
import { type HttpCounts, monitorHttp } from './traffic/http-monitor.ts'

export type HttpDeps = ApiDeps & {
  meter: AdminApiDeps['meter']
  /** Whether there is an admin page. */
  adminEnabled: boolean
  origins: OriginPolicy
  /** Origins that pages connect to, besides this server. */
  connectTo: readonly string[]
  /** Whom to believe where a request comes from. */
  trust: Trust
  log: Logger
  /** False from the moment at which the server is told to stop. */
  serving(): boolean
  /** Whether there is a key to sign join tokens with. */
  canSign(): boolean
  /** How long a request may take to arrive. */
  requestMs: number
  /** How long browsers are to come over TLS only, once they did; 0: they are not told to. */
  hstsSeconds: number
  webappDir?: string
  /** Counts requests; left out: nobody does. */
  counts?: HttpCounts
}

const joinBodyBytes = 16 * 1024

/**
 * The HTTP side: `/api` (api.ts), `/healthz`, `/readyz`, `/metrics`, and the webapp where its folder is
 * given. Errors are `{ code, message }` of the protocol.
 */
export function createHttp(deps: HttpDeps): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: joinBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    trustProxy: deps.trust,
    // Who says a request slowly holds a connection for no longer than this, however many they open.
    requestTimeout: deps.requestMs,
    http: {
      headersTimeout: deps.requestMs,
      connectionsCheckingInterval: Math.max(100, deps.requestMs / 4),
    },
  })
  const headers = securityHeaders(deps.connectTo)

  if (deps.counts) monitorHttp(app, deps.counts)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    // Of a proxy's word only where it is believed.
    if (deps.hstsSeconds > 0 && request.protocol === 'https')
      reply.header('strict-transport-security', `max-age=${deps.hstsSeconds}`)
    if (!request.url.startsWith('/api/')) return
    reply.header('cache-control', 'no-store').header('vary', 'Origin')
    const { origin } = request.headers
    if (!originAllowed(request.headers, deps.origins))
      throw new SignalingError(
        'forbidden',
        'pages of this origin may not call the server; add it to PARLEY_ALLOWED_ORIGINS',
      )
    if (origin !== undefined) reply.header('access-control-allow-origin', origin)
    if (request.method === 'OPTIONS')
      return reply
        .code(204)
        .header('access-control-allow-methods', 'POST')
        .header('access-control-allow-headers', 'content-type, authorization')
        .header('access-control-max-age', '600')
        .send()
  })

  app.setErrorHandler((error, _request, reply) => {
    const refusal = toRefusal(error, deps.log)
    return reply.code(refusal.status).send(refusal.body)
  })

  serveApi(app, deps)
  if (deps.adminEnabled) serveAdminApi(app, deps)
  else app.all('/api/admin/*', () => noAdmins())

  app.get('/healthz', async () => ({ ok: true }))

  app.get('/readyz', async (_request, reply) => {
    const checks = {
      serving: deps.serving(),
      rooms: await deps.rooms.ready(),
      turn: deps.turn.seen(),
      joinKey: deps.canSign(),
      sfu: deps.sfu.engine === 'None' || deps.sfu.ready(),
    }
    const ready = Object.values(checks).every(Boolean)
    return reply.code(ready ? 200 : 503).send({ ready, checks })
  })

  app.get('/metrics', async (_request, reply) => {
    const { registry } = deps.metrics()
    return reply.type(registry.contentType).send(await registry.metrics())
  })

  if (deps.webappDir === undefined) app.setNotFoundHandler((_request, _reply) => notFound())
  else serveWebapp(app, resolve(deps.webappDir))
  return app
}

function serveWebapp(app: FastifyInstance, root: string) {
  if (!existsSync(join(root, 'index.html')))
    throw new ConfigError(`PARLEY_WEBAPP_DIR: ${root} holds no index.html; build the webapp first`)
  app.register(fastifyStatic, {
    root,
    // What the build has compressed already: most of the time of a first load is that of its bytes.
    preCompressed: true,
    // Built files carry a hash in their name; the page that names them does not.
    setHeaders(reply, path) {
      const hashed = path.startsWith(join(root, 'assets'))
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'GET' && straightIn.test(request.url)) {
      const elsewhere = /^(?:cross|same)-site$/.test(String(request.headers['sec-fetch-site']))
      if (elsewhere) return reply.redirect(request.url.replace(straightIn, '$<before>0'), 303)
      // A browser that fetches ahead what is being typed would be in the room before anybody asked for it.
      if (request.headers['sec-purpose'] !== undefined) return reply.code(503).send()
    }
    // A room's address is the page's own business: every /r/<room> is the same page, and so are the way back to it from
    // the identity provider and the admin page.
    if (
      request.method === 'GET' &&
      /^\/(?:r\/[^/]+\/?|signed-in|admin\/?)(?:\?.*)?$/.test(request.url)
    )
      return reply.sendFile('index.html')
    // Who is nowhere is told so by the page, as with nginx.
    const byPerson = /\btext\/html\b/.test(request.headers.accept ?? '')
    if (request.method === 'GET' && byPerson && !request.url.startsWith('/api/'))
      return reply.sendFile('index.html')
    return notFound()
  })
}

/** A link into a call: where another site set it, its people see the lobby first. As in images/webapp/nginx.conf.template. */
const straightIn = /^(?<before>\/r\/.*[?&]autojoin=)1(?=&|$)/

function noAdmins(): never {
  throw new SignalingError(
    'not-found',
    'the admin page is turned off; spec.monitoring.admin or PARLEY_ADMIN_ENABLED turns it on',
  )
}

function notFound(): never {
  throw new SignalingError('not-found', 'nothing is here')
}

function toRefusal(error: unknown, log: Logger) {
  if (error instanceof SignalingError)
    return { status: httpStatus[error.code], body: error.toJSON() }
  // Fastify's own refusals: a body that is too large, no JSON, or poisoned.
  const status = (error as { statusCode?: unknown }).statusCode
  if (error instanceof Error && typeof status === 'number' && status >= 400 && status < 500)
    return { status, body: { code: 'invalid', message: error.message.slice(0, 200) } }
  const id = crypto.randomUUID()
  log.error({ err: error, id }, 'request failed')
  return {
    status: 500,
    body: { code: 'internal', message: `the server failed; its log has it as ${id}` },
  }
}
