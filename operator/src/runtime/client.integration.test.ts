import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ApiClient, type WatchEvent } from './client.ts'
import { createMetrics } from './metrics.ts'
import { CONFIG_MAPS } from './resources.ts'

let server: Server
/** Answers that are open: what is written to one comes to whoever watches. */
const open: ServerResponse[] = []
let client: ApiClient
let folder: string

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url?.includes('/namespaces/gone/')) {
      response.writeHead(410).end('{"kind":"Status","reason":"Expired","message":"too old"}')
      return
    }
    if (request.url?.includes('/namespaces/login/')) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>{Sign in}</html>')
      return
    }
    if (request.url?.includes('/namespaces/elsewhere/')) {
      response.writeHead(302, { location: '/login' }).end()
      return
    }
    if (request.url?.includes('watch=1')) {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
      open.push(response)
      return
    }
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

describe('a page of a proxy that comes with 200', () => {
  const unreadable = { name: 'Unreadable', message: expect.stringContaining('text/html') }
  const { signal } = new AbortController()

  it.each([
    ['read', () => client.get(CONFIG_MAPS, 'login', 'a')],
    ['looked at', () => client.peek(CONFIG_MAPS, 'login', 'a')],
    ['listed', () => client.list(CONFIG_MAPS, 'login')],
    ['written', () => client.apply(CONFIG_MAPS, 'login', 'a', '{}')],
    ['deleted', () => client.delete(CONFIG_MAPS, 'login', 'a', 'uid')],
    [
      'watched',
      () =>
        client
          .watch(CONFIG_MAPS, 'login', { resourceVersion: '1', timeoutSeconds: 60 }, { signal })
          .next(),
    ],
  ])('REQ-K1: is told as what it is, where something is %s', async (_, ask) => {
    await expect(ask()).rejects.toMatchObject(unreadable)
  })
})

describe('a server that sends one elsewhere', () => {
  const moved = { name: 'Unreadable', message: expect.stringContaining('status 302') }

  it('REQ-K1: has watched and deleted nothing', async () => {
    const { signal } = new AbortController()
    const query = { resourceVersion: '1', timeoutSeconds: 60 }
    const watch = client.watch(CONFIG_MAPS, 'elsewhere', query, { signal })
    await expect(watch.next()).rejects.toMatchObject(moved)
    const deletion = client.delete(CONFIG_MAPS, 'elsewhere', 'a', 'uid')
    await expect(deletion).rejects.toMatchObject(moved)
  })
})

describe('a watch', () => {
  const QUERY = { resourceVersion: '1', timeoutSeconds: 60 }
  const line = (resourceVersion: string) =>
    `${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'a', resourceVersion } } })}\n`

  function watch(signal = new AbortController().signal) {
    const knows = (version: string) => version === '3'
    return client.watch(CONFIG_MAPS, 'ns', QUERY, { knows, signal })
  }

  async function opened(): Promise<ServerResponse> {
    while (open.length === 0) await once(server, 'request')
    return open.pop() as ServerResponse
  }

  it('gives events as they come, however they are cut, but for what is known; it ends as the server ends it', async () => {
    const events = watch()
    const first = events.next()
    const response = await opened()
    const text = line('2') + line('3') + line('4')
    for (const at of [0, 40]) response.write(text.slice(at, at === 0 ? 40 : undefined))
    const seen: (string | undefined)[] = []
    const take = (batch: WatchEvent[]) =>
      seen.push(...batch.map(({ object }) => object.metadata.resourceVersion))
    const { value } = await first
    if (value) take(value)
    response.end(line('5'))
    for await (const batch of events) take(batch)
    expect(seen).toEqual(['2', '4', '5'])
  })

  it('says why there is none, and that the server is gone', async () => {
    const signal = new AbortController().signal
    const none = client.watch(CONFIG_MAPS, 'gone', QUERY, { signal })
    await expect(none.next()).rejects.toMatchObject({ name: 'Expired' })
    const cut = watch().next()
    const response = await opened()
    response.destroy()
    await expect(cut).rejects.toMatchObject({ name: 'Unavailable' })
  })

  it('ends without an error when nobody wants it any more, and lets go of the server', async () => {
    const stop = new AbortController()
    const stopped = watch(stop.signal).next()
    const first = await opened()
    stop.abort()
    expect(await stopped).toEqual({ done: true, value: undefined })
    if (!first.closed) await once(first, 'close')

    const left = watch()
    const event = left.next()
    const second = await opened()
    second.write(line('2'))
    await event
    await left.return(undefined)
    if (!second.closed) await once(second, 'close')
  })
})
