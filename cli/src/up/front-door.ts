import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A process of loopback, or of an address of this machine, that speaks HTTP. */
export type Upstream = { host: string; port: number }

export interface FrontDoor {
  port: number
  /** Ends what is open, too. */
  close(): Promise<void>
}

/**
 * The one address that browsers talk to, as the web page's nginx is in a cluster: it passes each request and each
 * WebSocket on to whom `upstreamOf` names for its path, and answers 503 while there is nobody.
 *
 * @param options.tls files with a certificate and its key
 * @throws the system's error where the port or the address is not to be had
 */
export async function openFrontDoor(options: {
  host: string
  port: number
  tls?: { cert: string; key: string } | undefined
  upstreamOf: (path: string) => Upstream | undefined
}): Promise<FrontDoor> {
  const { tls, upstreamOf } = options
  const open = new Set<Duplex>()
  const listener: RequestListener = (request, response) =>
    passOn(request, response, upstreamOf(pathOf(request)), tls !== undefined)
  const server: Server = tls
    ? createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, listener)
    : createServer(listener)
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    passSocket(request, socket, head, upstreamOf(pathOf(request)), tls !== undefined),
  )
  server.listen(options.port, options.host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

const pathOf = ({ url = '/' }: IncomingMessage) => url.split('?', 1)[0] ?? '/'

function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream | undefined,
  secure: boolean,
) {
  const away = () => {
    if (response.headersSent) return void response.destroy()
    response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '2' })
    response.end('{"error":{"code":"unavailable","message":"not up yet; try again in a moment"}}')
  }
  if (!upstream) return away()
  const { connection: _, ...headers } = forwarded(request, secure)
  const onward = httpRequest({
    ...upstream,
    method: request.method,
    path: request.url,
    headers,
  })
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  onward.on('error', away)
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

function passSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  upstream: Upstream | undefined,
  secure: boolean,
) {
  socket.on('error', () => socket.destroy())
  if (!upstream) return void socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')
  const onward = connect(upstream.port, upstream.host, () => {
    const lines = Object.entries(forwarded(request, secure)).flatMap(([name, value]) =>
      [value].flat().map((one) => `${name}: ${one}`),
    )
    onward.write(`${[`${request.method} ${request.url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket)
    socket.pipe(onward)
  })
  onward.setNoDelay(true)
  onward.on('error', () => socket.destroy())
  onward.on('close', () => socket.destroy())
  socket.on('close', () => onward.destroy())
}

/** With who asked, and how, as proxies say it. */
function forwarded({ headers, socket }: IncomingMessage, secure: boolean) {
  const before = headers['x-forwarded-for']
  const client = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  return {
    ...headers,
    'x-forwarded-for': before === undefined ? client : `${before}, ${client}`,
    'x-forwarded-proto': secure ? 'https' : 'http',
  }
}
