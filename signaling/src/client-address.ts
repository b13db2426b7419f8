import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'

/** The webapp's proxy and the ingress sit in private ranges; they say who the client is. */
export const trustedProxies = ['loopback', 'linklocal', 'uniquelocal']

const trusted = proxyAddr.compile(trustedProxies)

/** Where a request comes from, as far as proxies of ours say so. */
export function clientAddress(request: IncomingMessage): string {
  return proxyAddr(request, trusted)
}
