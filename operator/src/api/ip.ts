import { isIPv4, isIPv6 } from 'node:net'

/** First and last address of a range, as numbers, with the address family they belong to. */
export interface IpRange {
  family: 4 | 6
  first: bigint
  last: bigint
}

/**
 * An address, a CIDR or two addresses of one family with a dash between, in either order (CEL cannot
 * compare addresses, so order is no rule); undefined where the text is none of these.
 */
export function parseIpRange(text: string): IpRange | undefined {
  const [from, to, ...more] = text.split('-')
  if (from === undefined || more.length > 0) return undefined
  if (to !== undefined) {
    const first = parseIp(from)
    const last = parseIp(to)
    if (!first || !last || first.family !== last.family) return undefined
    const [low, high] = first.value <= last.value ? [first, last] : [last, first]
    return { family: first.family, first: low.value, last: high.value }
  }
  const [address, prefix, ...rest] = from.split('/')
  const ip = parseIp(address ?? '')
  if (!ip || rest.length > 0) return undefined
  const width = ip.family === 4 ? 32 : 128
  if (prefix !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(prefix)) return undefined
  const bits = prefix === undefined ? width : Number(prefix)
  if (bits > width) return undefined
  const hostMask = (1n << BigInt(width - bits)) - 1n
  const first = (ip.value | hostMask) ^ hostMask
  return { family: ip.family, first, last: first | hostMask }
}

/** Whether Kubernetes takes the text for an address: no zone, and not IPv4 mapped into IPv6. */
export function isIpAddress(text: string): boolean {
  const ip = parseIp(text)
  return ip !== undefined && !isMapped(ip.family, ip.value)
}

/** Whether {@link parseIpRange} reads the text, and its addresses are ones that Kubernetes takes. */
export function isIpRange(text: string): boolean {
  const range = parseIpRange(text)
  if (!range) return false
  return !isMapped(range.family, range.first) && !isMapped(range.family, range.last)
}

function isMapped(family: 4 | 6, value: bigint): boolean {
  return family === 6 && value >> 32n === 0xffffn
}

/** The address in its shortest form. */
export function formatIp(family: 4 | 6, value: bigint): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  }
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn)
  // The URL parser knows RFC 5952, where the longest run of zeros is written as "::".
  return new URL(`http://[${groups.map((g) => g.toString(16)).join(':')}]`).hostname.slice(1, -1)
}

function parseIp(text: string): { family: 4 | 6; value: bigint } | undefined {
  if (isIPv4(text)) {
    return {
      family: 4,
      value: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n),
    }
  }
  if (!isIPv6(text) || text.includes('%')) return undefined
  // Hexadecimal groups only from here on: "::ffff:1.2.3.4" becomes "::ffff:102:304".
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array(8 - left.length - right.length).fill('0')
  const value = [...left, ...zeros, ...right].reduce(
    (sum, g) => sum * 65536n + BigInt(`0x${g}`),
    0n,
  )
  return { family: 6, value }
}
