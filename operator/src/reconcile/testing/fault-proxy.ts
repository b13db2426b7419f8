import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ControlPlane } from '@parley/devcluster'
import { administrator } from './api-server.ts'

export interface Passing {
  method: string
  path: string
  isWatch: boolean
}

/**
 * Stands between an operator and its API server, and makes trouble on demand: answers 429 as an API server does that
 * has too much to do, closes watches, is not there, or answers nobody. What passes is the administrator's.
 */
export class FaultProxy {
  /** A kubeconfig that leads here. */
  readonly kubeconfig: string
  readonly #server: Server
  readonly #watches = new Set<ServerResponse>()
  #refuses: (request: Passing) => number | undefined = () => undefined
  #onPassed: (request: Passing, status: number) => void = () => {}
  #answers: (request: Passing) => object | undefined = () => undefined
  #away = false
  #hangs = false
  refused = 0
  watchesClosed = 0
  /** Connections that were tried while it was away. */
  tried = 0
  /** What it was asked while it hung. */
  unanswered = 0

  private constructor(server: Server, kubeconfig: string) {
    this.#server = server
    this.kubeconfig = kubeconfig
  }

  static async start(controlPlane: ControlPlane, name: string): Promise<FaultProxy> {
    const config = await administrator(controlPlane.kubeconfig)
    const agent = new Agent({ keepAlive: true, ...config })
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const kubeconfig = `${controlPlane.kubeconfig}.${name}`
    await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(`http://127.0.0.1:${port}`)), {
      mode: 0o600,
    })
    const proxy = new FaultProxy(server, kubeconfig)
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) =>
      proxy.#pass(incoming, response, new URL(controlPlane.server), agent),
    )
    server.on('connection', (socket) => {
      if (!proxy.#away) return
      proxy.tried++
      socket.destroy()
    })
    server.on('close', () => agent.destroy())
    return proxy
  }

  /** @param when seconds for Retry-After of requests to be refused, undefined for those that may pass */
  refuse(when: (request: Passing) => number | undefined): void {
    this.#refuses = when
  }

  /** Speaks for what the API server would pass requests on to. @param what its JSON; undefined: let it pass */
  answer(what: (request: Passing) => object | undefined): void {
    this.#answers = what
  }

  /** Called when the API server has answered, before the operator hears of it. */
  onPassed(listener: (request: Passing, status: number) => void): void {
    this.#onPassed = listener
  }

  /** Ends all watches in the middle, without a word. */
  closeWatches(): void {
    this.watchesClosed += this.#watches.size
    for (const response of this.#watches) response.destroy()
  }

  /** As an API server that is gone: ends every connection, and takes none until `return` is called. */
  leave(): void {
    this.#away = true
    this.#server.closeAllConnections()
  }

  return(): void {
    this.#away = false
  }

  /** As an API server that has stopped in its tracks: what is asked from now on is never answered. */
  hang(): void {
    this.#hangs = true
  }

  get watching(): number {
    return this.#watches.size
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(incoming: IncomingMessage, response: ServerResponse, server: URL, agent: Agent) {
    const { method = 'GET', url = '/', headers } = incoming
    const passing = { method, path: url, isWatch: /[?&]watch=/.test(url) }
    if (this.#hangs) {
      this.unanswered++
      return void incoming.resume()
    }
    const retryAfter = this.#refuses(passing)
    if (retryAfter !== undefined) {
      this.refused++
      incoming.resume()
      response.writeHead(429, { 'retry-after': String(retryAfter), 'content-type': 'text/plain' })
      response.end('Too many requests, please try again later.')
      return
    }
    const answer = this.#answers(passing)
    if (answer) {
      incoming.resume()
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer))
      return
    }
    const { host: _, ...others } = headers
    const options: RequestOptions = { method, agent, headers: others, path: url }
    const outgoing = request(server, options, (answer) => {
      this.#onPassed(passing, answer.statusCode ?? 0)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (passing.isWatch) {
        response.flushHeaders()
        this.#watches.add(response)
        response.on('close', () => this.#watches.delete(response))
      }
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    response.on('close', () => outgoing.destroy())
    outgoing.on('error', () => response.destroy())
    incoming.pipe(outgoing)
  }
}

function kubeconfigOf(server: string) {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  }
}
