import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export interface Probes {
  /** Alive: able to do its work if restarted pods, servers and networks allow. */
  healthy(): boolean
  /** Its caches are filled, so it knows what it would act on. */
  ready(): boolean
}

export interface HttpServers {
  metricsPort: number
  healthPort: number
  close(): Promise<void>
}

/**
 * `/metrics` on one port, `/healthz` and `/readyz` on another (the same number: one server for all three).
 * Port 0 takes any free one. @throws PortInUse
 */
export async function serveHttp(options: {
  metricsPort: number
  healthPort: number
  registry: Registry
  probes: Probes
  /** Called before each scrape, for gauges that depend on the time of reading. */
  beforeScrape?: () => void
}): Promise<HttpServers> {
  const answer = async (path: string): Promise<{ status: number; type: string; text: string }> => {
    const plain = { type: 'text/plain; charset=utf-8' }
    const probe = (ok: boolean) => ({
      ...plain,
      status: ok ? 200 : 503,
      text: ok ? 'ok' : 'not yet',
    })
    switch (path) {
      case '/healthz':
        return probe(options.probes.healthy())
      case '/readyz':
        return probe(options.probes.ready())
      case '/metrics':
        options.beforeScrape?.()
        return {
          status: 200,
          type: options.registry.contentType,
          text: await options.registry.metrics(),
        }
      default:
        return { ...plain, status: 404, text: 'not found' }
    }
  }
  const start = async (port: number) => {
    const server = createServer((request, response) => {
      answer(request.url?.split('?')[0] ?? '/').then(
        ({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text),
        (error: Error) => response.writeHead(500).end(error.message),
      )
    })
    await listen(server, port)
    return server
  }
  const metrics = await start(options.metricsPort)
  const shared = options.healthPort === options.metricsPort && options.metricsPort !== 0
  let health = metrics
  try {
    if (!shared) health = await start(options.healthPort)
  } catch (error) {
    await stop(metrics)
    throw error
  }
  return {
    metricsPort: portOf(metrics),
    healthPort: portOf(health),
    close: async () => {
      await Promise.all(shared ? [stop(metrics)] : [stop(metrics), stop(health)])
    },
  }
}

export class PortInUse extends Error {
  override name = 'PortInUse'
  readonly code = 'PORT_IN_USE'
  constructor(port: number) {
    super(`port ${port} is in use: stop what listens there or choose another port`)
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortInUse(port) : error),
    )
    server.listen(port, resolve)
  })
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
