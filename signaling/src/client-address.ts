import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'

/** Who in front of a server is believed when it says where a request comes from (`X-Forwarded-For`). */
export type TrustedProxies = {
  /** So many of the nearest ones, whatever their addresses: our own web page's server is one. */
  hops: number
  /** Those of these ranges, behind the nearest ones: `10.0.0.0/8`, or `loopback`, `linklocal`, `uniquelocal`. */
  ranges: readonly string[]
}

/** Whether to believe `address`, which is `hop` steps away: 0 is whose socket it is. */
export type Trust = (address: string, hop: number) => boolean

/** @throws {TypeError} for a range that is none */
export function trustOf({ hops, ranges }: TrustedProxies): Trust {
  const inRange = proxyAddr.compile([...ranges])
  return (address, hop) => hop < hops || inRange(address, hop)
}

/** Where a request comes from, as far as those say so who are believed. */
export function clientAddress(request: IncomingMessage, trust: Trust): string {
  return proxyAddr(request, trust)
}

/**
 * By what to count an address: IPv4 as it is, of IPv6 the network of 64 bits, of which whoever has it has all
 * addresses (RFC 6177).
 */
export function countedAs(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (!isIPv6(bare)) return bare
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)
  if (mapped) return mapped[1] as string
  const [head = '', tail] = bare.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    // The last 32 bits may be written as IPv4, and count for two.
    const written = groups.length + after.length + (bare.includes('.') ? 1 : 0)
    groups.push(...Array<string>(8 - written).fill('0'), ...after)
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
