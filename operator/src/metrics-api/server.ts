import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { PortInUse } from '../runtime/server.ts'
import { type Answer, answer, failure } from './answer.ts'
import type { Authorizer } from './authorizer.ts'
import type { ServingIdentity } from './certificate.ts'
import type { Served } from './discovery.ts'
import type { FigureSource } from './figures.ts'
import { type FrontProxy, type Identity, identityOf, isAllowedName } from './front-proxy.ts'
import { attributesOf, parseQuestion } from './request.ts'

export interface MetricsServer {
  port: number
  /**
   * Serves with this identity and believes this front proxy from now on. What was believed of connections that
   * are open is forgotten with them.
   */
  use(identity: ServingIdentity, proxy: FrontProxy | undefined): void
  close(): Promise<void>
}

export interface MetricsServerOptions {
  /** 0: any free port. */
  port: number
  served: Served
  figures: FigureSource
  authorizer: Pick<Authorizer, 'allows'>
  log: Logger
}

const SECOND_MS = 1000

/**
 * The HTTPS server of an aggregated API. It answers the front proxy of the API server, on behalf of users who may
 * read what they ask for, and nobody else. Until {@link MetricsServer.use} has been called nobody gets in.
 *
 * @throws PortInUse
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  let believed: FrontProxy | undefined
  const server = createServer(
    {
      // Asked for, and looked at below: those who have none get an answer that says so.
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      // A resumed session would bring along what was believed when it began.
      secureOptions: constants.SSL_OP_NO_TICKET,
      headersTimeout: 10 * SECOND_MS,
      requestTimeout: 10 * SECOND_MS,
    },
    (request, response) => {
      respond(request, believed, options).then(
        (result) => send(response, result),
        (error: Error) => {
          options.log.warn({ error: error.message }, 'metrics request failed')
          send(response, failure(500, 'InternalError', 'the request could not be answered'))
        },
      )
    },
  )
  // Those that are still shaking hands too: they do so by what was believed when they came.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
  }
  server.on('tlsClientError', (error) =>
    options.log.debug({ error: error.message }, 'metrics client refused'),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortInUse(options.port) : error),
    )
    server.listen(options.port, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    use({ certificate, key }, proxy) {
      believed = proxy
      // Without an authority Node would take every public one: see `authenticate`.
      server.setSecureContext({ cert: certificate, key, ...(proxy ? { ca: proxy.ca } : {}) })
      hangUp()
    },
    close() {
      hangUp()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function respond(
  request: IncomingMessage,
  proxy: FrontProxy | undefined,
  { served, figures, authorizer }: MetricsServerOptions,
): Promise<Answer> {
  const identity = authenticate(request, proxy)
  if (!identity) {
    const message = 'ask through the API server: only its front proxy and known users are answered'
    return failure(401, 'Unauthorized', message)
  }
  const question = parseQuestion(request.url ?? '/')
  if (!(await authorizer.allows(identity, attributesOf(question)))) {
    const message = `user "${identity.user}" may not read ${request.url?.split('?', 1)[0]}`
    return failure(403, 'Forbidden', message)
  }
  if (request.method !== 'GET')
    return failure(405, 'MethodNotAllowed', 'metrics can only be read, with GET')
  return answer(question, served, figures, request.headers.accept)
}

/** Whom the request is made for; undefined where it does not come from the front proxy or is made for nobody. */
function authenticate(
  request: IncomingMessage,
  proxy: FrontProxy | undefined,
): Identity | undefined {
  const socket = request.socket as TLSSocket
  const certificate = socket.getPeerX509Certificate()
  if (!proxy || !socket.authorized || !certificate) return undefined
  return isAllowedName(proxy, certificate) ? identityOf(proxy, request.headersDistinct) : undefined
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  if (response.destroyed) return
  const text = JSON.stringify(body)
  response
    .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
    .end(text)
}
