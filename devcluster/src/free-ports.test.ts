import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, it } from '@jest/globals'
import { freePort, freePorts } from './free-ports.ts'

/** What Linux gives to whatever connects anywhere. */
const range = '/proc/sys/net/ipv4/ip_local_port_range'

it('REQ-K8: ports for servers are none that a connection may have before they listen, and none is given twice', async () => {
  const [first = 0] = existsSync(range)
    ? readFileSync(range, 'utf8').trim().split(/\s+/).map(Number)
    : [32_768]
  const [some, more] = await Promise.all([freePorts(20), freePorts(20)])
  const ports = [...some, ...more, await freePort()]
  expect(new Set(ports).size).toBe(41)
  expect(Math.max(...ports)).toBeLessThan(first)
})

it('REQ-K8: a port that a server has is not free', async () => {
  const server = createServer().listen((await freePort()) + 1, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const ports = await freePorts(3)
  server.close()
  expect(ports).not.toContain(port)
})
