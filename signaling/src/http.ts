import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import { type JoinResponse, joinRequestSchema, type Role, slugSchema } from '@parley/protocol'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { ConfigError } from './config.ts'
import { httpStatus, SignalingError } from './errors.ts'
import type { JoinClaims } from './join-token.ts'
import type { Metrics } from './metrics.ts'
import { type OriginPolicy, originAllowed } from './origins.ts'
import type { RateLimit } from './rate-limit.ts'
import type { RoomStore } from './rooms/room-store.ts'
import { type SfuAccess, sfuNotReady } from './sfu.ts'
import type { TurnAccess } from './turn.ts'

export type HttpDeps = {
  rooms: RoomStore
  turn: TurnAccess
  sfu: SfuAccess
  metrics: () => Metrics
  limit: RateLimit
  origins: OriginPolicy
  log: Logger
  signToken(claims: JoinClaims): Promise<string>
  newParticipantId(): string
  /** Tenant of those who name none. */
  tenant: string
  meshMax: number
  roomMax: number
  /** False from the moment at which the server is told to stop. */
  serving(): boolean
  /** Whether there is a key to sign join tokens with. */
  canSign(): boolean
  webappDir?: string
}

const joinBodyBytes = 16 * 1024

/**
 * The HTTP side: `POST /api/rooms/:room/join`, `/healthz`, `/readyz`, `/metrics`, and the webapp
 * where its folder is given. Errors are `{ code, message }` of the protocol.
 */
export function createHttp(deps: HttpDeps): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: joinBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    // The webapp's proxy and the ingress sit in private ranges; they say who the client is.
    trustProxy: ['loopback', 'linklocal', 'uniquelocal'],
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders)
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
        .header('access-control-allow-headers', 'content-type')
        .header('access-control-max-age', '600')
        .send()
  })

  app.setErrorHandler((error, _request, reply) => {
    const refusal = toRefusal(error, deps.log)
    return reply.code(refusal.status).send(refusal.body)
  })

  app.post<{ Params: { room: string } }>('/api/rooms/:room/join', async (request) => {
    await deps.limit.take(request.ip)
    const room = parse(slugSchema, request.params.room, 'room')
    const { name, tenant = deps.tenant } = parse(joinRequestSchema, request.body, 'body')
    const key = { tenant, room }
    const participantId = deps.newParticipantId()
    const role: Role = 'guest'
    try {
      const iceServers = deps.turn.iceServers({ ...key, participant: participantId })
      // Only a courtesy: the seat itself is taken, and counted, when the socket joins.
      const { seats, sfu } = await deps.rooms.occupancy(key)
      const holds = deps.sfu.engine === 'None' ? deps.meshMax : deps.roomMax
      if (seats >= holds)
        throw new SignalingError('room-full', `the room holds ${holds} people; it is full`)
      const onSfu = sfu || seats >= deps.meshMax
      if (onSfu && !deps.sfu.ready()) throw sfuNotReady()
      const media: JoinResponse['media'] = onSfu
        ? { mode: 'sfu', engine: 'LiveKit' }
        : { mode: 'mesh' }
      const token = await deps.signToken({ ...key, participant: participantId, name, role })
      const self = { participantId, room, tenant, name, role }
      return { token, ...self, iceServers, media } satisfies JoinResponse
    } catch (refused) {
      // Who is turned away here never reaches `room:join`, where the others are counted.
      deps.metrics().joinAttempted()
      throw refused
    }
  })

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
    // Built files carry a hash in their name; the page that names them does not.
    setHeaders(reply, path) {
      const hashed = path.startsWith(join(root, 'assets'))
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.setNotFoundHandler((request, reply) => {
    // A room's address is the page's own business: every /r/<room> is the same page.
    if (request.method === 'GET' && /^\/r\/[^/]+\/?(?:\?.*)?$/.test(request.url))
      return reply.sendFile('index.html')
    return notFound()
  })
}

function notFound(): never {
  throw new SignalingError('not-found', 'nothing is here')
}

function parse<T>(
  schema: {
    safeParse(
      value: unknown,
    ):
      | { success: true; data: T }
      | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } }
  },
  value: unknown,
  what: string,
): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const place = [what, ...(issue?.path ?? []).map(String)].join('.')
  throw new SignalingError('invalid', `${place}: ${issue?.message ?? 'malformed'}`.slice(0, 200))
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

const securityHeaders = {
  'content-security-policy': [
    "default-src 'self'",
    "connect-src 'self' ws: wss:",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self)',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const
