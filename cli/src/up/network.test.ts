import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { freePort, networkOf, pickAddress } from './network.ts'

const of = (address: string, internal = false, family = 'IPv4') => ({
  address,
  family,
  internal,
  cidr: `${address}/24`,
})

it('takes the address of the default route, else any that is not loopback', () => {
  const interfaces = {
    lo: [of('127.0.0.1', true)],
    docker0: [of('172.17.0.1')],
    eth0: [of('fe80::1', false, 'IPv6'), of('192.168.1.5')],
  }
  expect(pickAddress(interfaces, '192.168.1.5')).toEqual({
    address: '192.168.1.5',
    network: '192.168.1.0/24',
  })
  expect(pickAddress(interfaces)?.address).toBe('172.17.0.1')
  expect(pickAddress({ lo: [of('127.0.0.1', true)] }, '127.0.0.1')).toBeUndefined()
})

it('a network begins at or below its address, is a multiple of its size, and is its own network', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 32 }), (address, bits) => {
      const network = networkOf(`${address}/${bits}`)
      const number = (text: string) =>
        text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
      const first = number(network.split('/')[0] ?? '')
      const size = 2 ** (32 - bits)
      expect(first % size).toBe(0)
      expect(number(address) - first).toBeGreaterThanOrEqual(0)
      expect(number(address) - first).toBeLessThan(size)
      expect(networkOf(network)).toBe(network)
    }),
  )
})

it('gives no port twice, as each is for a server that does not listen yet', async () => {
  const ports = new Set<number>()
  for (let nth = 0; nth < 600; nth++) ports.add(await freePort())
  expect(ports.size).toBe(600)
})
