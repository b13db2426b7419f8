import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ApiClient } from './client.ts'
import { createMetrics } from './metrics.ts'

let server: Server
let client: ApiClient
let folder: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const bytes = Number(/(\d+)$/.exec(request.url ?? '')?.[1])
    response.end(JSON.stringify('x'.repeat(bytes - 2)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  folder = await mkdtemp(join(tmpdir(), 'parley-client-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const named = (kind: string, value: object) => [{ name: 'a', [kind]: value }]
  await writeFile(
    kubeconfig,
    JSON.stringify({
      clusters: named('cluster', { server: url, 'insecure-skip-tls-verify': true }),
      users: named('user', {}),
      contexts: named('context', { cluster: 'a', user: 'a' }),
      'current-context': 'a',
    }),
  )
  client = await ApiClient.connect(kubeconfig, createMetrics())
})
afterAll(async () => {
  await client?.close()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

describe('an answer through the proxy', () => {
  it('is taken up to the length that was agreed, and no further', async () => {
    const ask = (bytes: number) => client.proxyGet<string>('ns', 'http:a:1', `/${bytes}`, {}, 1000)
    expect(await ask(1000)).toHaveLength(998)
    await expect(ask(1001)).rejects.toMatchObject({ name: 'Unavailable', code: 'TooLong' })
    await expect(ask(50_000_000)).rejects.toThrow(/more than 1000 bytes/)
    expect(await ask(10)).toHaveLength(8)
  })
})
