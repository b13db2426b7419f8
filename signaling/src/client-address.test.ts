import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { clientAddress, countedAs, type TrustedProxies, trustOf } from './client-address.ts'

const request = (socket: string, ...said: string[]) =>
  ({
    headers: said.length > 0 ? { 'x-forwarded-for': said.join(', ') } : {},
    socket: { remoteAddress: socket },
  }) as unknown as IncomingMessage
const seen = (proxies: TrustedProxies, socket: string, ...said: string[]) =>
  clientAddress(request(socket, ...said), trustOf(proxies))

describe('REQ-G5: where a request comes from', () => {
  const nobody = { hops: 0, ranges: [] }
  const ours = { hops: 1, ranges: [] }
  const ingress = { hops: 1, ranges: ['uniquelocal', '198.51.100.7'] }

  it('is whose socket it is, whatever they say, where nobody is believed', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.array(fc.oneof(fc.ipV4(), fc.ipV6())), (socket, said) => {
        expect(seen(nobody, socket, ...said)).toBe(socket)
      }),
    )
    expect(seen(nobody, '10.0.0.9', '203.0.113.1')).toBe('10.0.0.9')
  })

  it('is what the nearest says, and none of what stands before', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.array(fc.ipV4()), (socket, client, said) => {
        expect(seen(ours, socket, ...said, client)).toBe(client)
      }),
    )
  })

  it('is behind those of the ranges, up to the first who is of none', () => {
    expect(seen(ingress, '10.1.2.3', '192.0.2.6', '203.0.113.1', '10.0.0.2', '198.51.100.7')).toBe(
      '203.0.113.1',
    )
    expect(seen(ingress, '10.1.2.3', '203.0.113.1', '203.0.113.2')).toBe('203.0.113.2')
  })

  it('a range that is none is refused by name', () => {
    expect(() => trustOf({ hops: 0, ranges: ['10.0.0.0/99'] })).toThrow('10.0.0.0/99')
    expect(() => trustOf({ hops: 0, ranges: ['everybody'] })).toThrow('everybody')
  })
})

describe('REQ-G5: who is counted as one', () => {
  const group = fc.integer({ min: 0, max: 0xffff })
  const text = (groups: readonly number[]) => groups.map((one) => one.toString(16)).join(':')

  it('all addresses of one network of 64 bits in IPv6, and of no other', () => {
    const half = fc.tuple(group, group, group, group)
    fc.assert(
      fc.property(half, half, half, half, (network, host, other, host2) => {
        const one = countedAs(text([...network, ...host]))
        expect(one).toBe(countedAs(text([...network, ...host2])))
        const far = countedAs(text([...other, ...host]))
        expect(one === far).toBe(text(network) === text(other))
      }),
    )
  })

  it('however the address is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        // As the URL standard writes it, which is another way for most.
        const other = new URL(`http://[${address}]/`).hostname.slice(1, -1)
        expect(countedAs(other)).toBe(countedAs(address))
      }),
      { numRuns: 1000 },
    )
    expect(countedAs('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(countedAs('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
    expect(countedAs('::1')).toBe('0:0:0:0::/64')
  })

  it('each address of IPv4, also as IPv6 has it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(countedAs(address)).toBe(address)
        expect(countedAs(`::ffff:${address}`)).toBe(address)
      }),
    )
  })

  it('what is no address as it is', () => {
    expect(countedAs('unknown')).toBe('unknown')
  })
})
