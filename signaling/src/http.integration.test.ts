import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { joinResponseSchema } from '@parley/protocol'
import { pino } from 'pino'
import { io } from 'socket.io-client'
import type { SignalingConfig } from './config.ts'
import { type Signaling, startSignaling } from './server.ts'
import {
  clients,
  joinKey,
  postJoin,
  requestJoin,
  signalingFiles,
  turnUrl,
  until,
} from './testing/signaling-rig.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const log = pino({ level: 'silent' })
const files = signalingFiles()
const people = clients()
let server: Signaling

beforeAll(async () => {
  const webappDir = join(files.dir, 'webapp')
  mkdirSync(join(webappDir, 'assets'), { recursive: true })
  writeFileSync(join(webappDir, 'index.html'), '<title>Parley</title>')
  writeFileSync(join(webappDir, 'assets', 'app-1.js'), 'export {}')
  writeFileSync(join(webappDir, 'assets', 'app-1.js.gz'), gzipSync('export {}'))
  server = await startSignaling(
    files.config({
      allowedOrigins: ['https://meet.example.org'],
      domain: 'parley.example',
      webappDir,
    }),
    { log },
  )
})
afterEach(() => people.close())
afterAll(async () => {
  await server.close()
  files.remove()
})

describe('the join API', () => {
  it('answers what the protocol says', async () => {
    const answer = joinResponseSchema.parse(await requestJoin(server.url, 'r', { name: 'Ann' }))
    expect(answer).toMatchObject({ room: 'r', tenant: 'default' })
    expect(answer.iceServers[0]?.urls).toEqual([turnUrl])
  })

  it('refuses a room that is full', async () => {
    const small = await startSignaling(files.config({ meshMax: 2 }), { log })
    try {
      await people.enter(small.url, 'full', 'Ann')
      await people.enter(small.url, 'full', 'Bob')
      const response = await postJoin(small.url, 'full', { name: 'Eve' })
      expect(response.status).toBe(409)
      expect(await response.json()).toMatchObject({ code: 'room-full' })
      const metrics = await (await fetch(`${small.url}/metrics`)).text()
      expect(metrics).toContain('video_connections_attempted_total 3')
      expect(metrics).toContain('video_connections_successful_total 2')
    } finally {
      await small.close()
    }
  })

  it('is not cached', async () => {
    const response = await postJoin(server.url, 'r', { name: 'Ann' })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })
})

describe('REQ-P1: TURN that is not there', () => {
  it('is `unavailable` and not ready; what the operator writes later is taken up', async () => {
    const bare = signalingFiles([])
    const waiting = await startSignaling(bare.config(), { log })
    const ready = async () => (await fetch(`${waiting.url}/readyz`)).status
    try {
      expect(await ready()).toBe(503)
      expect((await fetch(`${waiting.url}/healthz`)).status).toBe(200)
      const response = await postJoin(waiting.url, 'r', { name: 'Ann' })
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ code: 'unavailable' })

      bare.file('endpoints.json', JSON.stringify({ urls: ['stun:192.0.2.1:3478', turnUrl] }))
      await until('the endpoints are read', async () => (await ready()) === 200)
      const { iceServers } = await requestJoin(waiting.url, 'r', { name: 'Ann' })
      expect(iceServers.map(({ urls }) => urls)).toEqual([[turnUrl], ['stun:192.0.2.1:3478']])

      bare.file('endpoints.json', JSON.stringify({ urls: [] }))
      await until(
        'the empty list is read',
        async () => (await postJoin(waiting.url, 'r', { name: 'Ann' })).status === 503,
      )
      // Those who are in a call come back through the same Service: it must keep routing to us.
      expect(await ready()).toBe(200)
    } finally {
      await waiting.close()
      bare.remove()
    }
  })
})

describe('a start that cannot be', () => {
  it.each<[string, () => Partial<SignalingConfig>, RegExp]>([
    ['a port in use', () => ({ port: Number(new URL(server.url).port) }), /PORT: \d+ is in use/],
    ['an address of another machine', () => ({ host: '192.0.2.1' }), /HOST: 192\.0\.2\.1/],
    ['no webapp', () => ({ webappDir: files.dir }), /PARLEY_WEBAPP_DIR: .* build the webapp/],
    ['no Redis file', () => ({ redisUrlFile: '/none' }), /REDIS_URL_FILE: .*\/none \(ENOENT\)/],
    [
      'a Redis file without an address',
      () => ({ redisUrlFile: files.file('bad', 'localhost') }),
      /REDIS_URL_FILE: .* holds no address/,
    ],
  ])('%s is named with its fix', async (_what, overrides, message) => {
    await expect(startSignaling(files.config(overrides()), { log })).rejects.toThrow(message)
  })

  it('a join key that is not there yet is waited for', async () => {
    const bare = signalingFiles()
    const waiting = await startSignaling(bare.config({ joinKeyFile: `${bare.dir}/later` }), { log })
    try {
      expect((await fetch(`${waiting.url}/readyz`)).status).toBe(503)
      expect((await postJoin(waiting.url, 'r', { name: 'Ann' })).status).toBe(503)
      bare.file('later', joinKey)
      await until('the key', async () => (await fetch(`${waiting.url}/readyz`)).status === 200)
      expect((await postJoin(waiting.url, 'r', { name: 'Ann' })).status).toBe(200)
    } finally {
      await waiting.close()
      bare.remove()
    }
  })
})

describe('origins', () => {
  const join = (origin: string) => postJoin(server.url, 'r', { name: 'Ann' }, { origin })
  it.each(['https://meet.example.org', 'https://parley.example'])('lets %s in', async (origin) => {
    const response = await join(origin)
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    const preflight = await fetch(`${server.url}/api/rooms/r/join`, {
      method: 'OPTIONS',
      headers: { origin },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST')
  })

  it('lets its own pages in', async () => {
    expect((await join(server.url)).status).toBe(200)
  })

  it.each([
    'https://evil.example',
    'http://meet.example.org',
    'https://meet.example.org.evil.example',
    'null',
  ])('refuses %s on HTTP and on Socket.IO', async (origin) => {
    const response = await join(origin)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ code: 'forbidden' })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    const { token } = await requestJoin(server.url, 'r', { name: 'Ann' })
    const socket = io(server.url, {
      auth: { token },
      transports: ['websocket'],
      extraHeaders: { origin },
      reconnection: false,
    })
    const error = await new Promise<Error>((resolve) => socket.once('connect_error', resolve))
    expect(error.message).toBe('websocket error')
    socket.disconnect()
  })
})

describe('the webapp', () => {
  it('is served, with every room at its page', async () => {
    for (const path of ['/', '/index.html', '/r/demo', '/r/demo?relay=1']) {
      const response = await fetch(server.url + path)
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('<title>Parley</title>')
      expect(response.headers.get('cache-control')).toBe('no-cache')
    }
    const asset = await fetch(`${server.url}/assets/app-1.js`)
    expect(asset.headers.get('cache-control')).toContain('immutable')
  })

  it('REQ-W2: goes as the build compressed it, to who takes that', async () => {
    const ask = async (encoding: string) => {
      const { headers, body } = await asSent(`${server.url}/assets/app-1.js`, encoding)
      expect(headers['content-type']).toMatch(/javascript/)
      expect(headers['cache-control']).toContain('immutable')
      expect(headers.vary).toMatch(/accept-encoding/i)
      return [headers['content-encoding'], body]
    }
    const [coding, body] = await ask('gzip, deflate, br, zstd')
    expect([coding, gunzipSync(body as Buffer).toString()]).toEqual(['gzip', 'export {}'])
    const [none, plain] = await ask('identity')
    expect([none, String(plain)]).toEqual([undefined, 'export {}'])
    // What was not compressed goes as it is.
    expect(await (await fetch(`${server.url}/r/demo`)).text()).toBe('<title>Parley</title>')
  })

  it('REQ-W5: a link of another site leads nobody straight into a call, nor does a browser that fetches ahead', async () => {
    const come = async (path: string, site?: string) => {
      const { status, headers } = await fetch(server.url + path, {
        redirect: 'manual',
        headers: site === undefined ? {} : { 'sec-fetch-site': site },
      })
      return headers.get('location') ?? status
    }
    const link = '/r/demo?name=Ana&autojoin=1&relay=1'
    for (const site of ['none', 'same-origin', undefined]) expect(await come(link, site)).toBe(200)
    for (const site of ['cross-site', 'same-site'])
      expect(await come(link, site)).toBe('/r/demo?name=Ana&autojoin=0&relay=1')
    expect(await come('/r/demo?autojoin=1&autojoin=1', 'cross-site')).toBe(
      '/r/demo?autojoin=1&autojoin=0',
    )
    const ahead = async (path: string) =>
      (await fetch(server.url + path, { headers: { 'sec-purpose': 'prefetch;prerender' } })).status
    expect([await ahead(link), await ahead('/r/demo')]).toEqual([503, 200])
    for (const path of [
      '/r/demo',
      '/r/demo?autojoin=10',
      '/r/demo?name=autojoin=1',
      '/?autojoin=1',
    ])
      expect(await come(path, 'cross-site')).toBe(200)
  })

  it('REQ-W5: is to be asked for over TLS only, where it was, as a proxy says that is believed', async () => {
    const said = async (url: string, proto?: string) => {
      const headers: Record<string, string> =
        proto === undefined ? {} : { 'x-forwarded-proto': proto }
      const answers = ['/r/demo', '/api/config', '/assets/none.js'].map((path) =>
        fetch(url + path, { headers }),
      )
      const found = (await Promise.all(answers)).map((answer) =>
        answer.headers.get('strict-transport-security'),
      )
      expect(new Set(found).size).toBe(1)
      return found[0]
    }
    const behind = { proxies: { hops: 1, ranges: [] }, webappDir: join(files.dir, 'webapp') }
    const believing = await startSignaling(files.config(behind), { log })
    const silent = await startSignaling(files.config({ ...behind, hstsSeconds: 0 }), { log })
    try {
      expect(await said(believing.url, 'https')).toBe('max-age=31536000')
      expect(await said(believing.url, 'http')).toBeNull()
      expect(await said(believing.url)).toBeNull()
      expect(await said(server.url, 'https')).toBeNull()
      expect(await said(silent.url, 'https')).toBeNull()
    } finally {
      await Promise.all([believing.close(), silent.close()])
    }
  })

  it.each(['/nothing', '/r/a/b', '/assets/none.js', '/../secret', '/%2e%2e/turn-secret', '/api/x'])(
    'answers %s with not-found',
    async (path) => {
      const response = await fetch(server.url + path)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ code: 'not-found' })
    },
  )

  it('REQ-W1: shows a person who is nowhere the page, which says so', async () => {
    const come = (path: string) =>
      fetch(server.url + path, { headers: { accept: 'text/html,*/*;q=0.8' } })
    const response = await come('/nothing')
    expect(await response.text()).toContain('<title>Parley</title>')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect((await come('/api/x')).status).toBe(404)
  })

  it('comes with headers that keep other pages out', async () => {
    const { headers } = await fetch(`${server.url}/r/demo`)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    // The address of a room is what lets people in: it goes to no other site.
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('permissions-policy')).toContain('camera=(self)')
  })
})

/** With the bytes as they come: fetch() undoes what was compressed. */
async function asSent(url: string, encoding: string) {
  const request = get(url, { headers: { 'accept-encoding': encoding } })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return { headers: answer.headers, body: await buffer(answer) }
}
