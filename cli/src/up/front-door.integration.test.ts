import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { get } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { execa } from 'execa'
import { type FrontDoor, openFrontDoor, type Upstream } from './front-door.ts'

/** A page behind the door: it echoes what it was asked, and takes WebSockets. */
let page: Server
let door: FrontDoor
let upstream: Upstream
const url = () => `http://127.0.0.1:${door.port}`

beforeAll(async () => {
  page = createServer((request, response) => {
    let body = ''
    request.on('data', (text) => {
      body += text
    })
    request.on('end', () => {
      const { method, url, headers } = request
      response.writeHead(201, { 'x-from': 'page' })
      response.end(JSON.stringify({ method, url, headers, body }))
    })
  })
  page.on('upgrade', (_, socket, head) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n')
    socket.write(head)
    socket.pipe(socket)
  })
  page.listen(0, '127.0.0.1')
  await once(page, 'listening')
  upstream = { host: '127.0.0.1', port: (page.address() as AddressInfo).port }
  door = await openFrontDoor({
    host: '127.0.0.1',
    port: 0,
    upstreamOf: (path) =>
      path.startsWith('/away')
        ? { host: '127.0.0.1', port: 1 }
        : path === '/nobody'
          ? undefined
          : upstream,
  })
})
afterAll(async () => {
  await door.close()
  page.close()
})

it('passes a request on as it is, and says who asked', async () => {
  const response = await fetch(`${url()}/r/standup?name=a%20b`, {
    method: 'POST',
    body: 'hello',
    headers: { 'x-forwarded-for': '198.51.100.9' },
  })
  expect(response.status).toBe(201)
  expect(response.headers.get('x-from')).toBe('page')
  expect(await response.json()).toMatchObject({
    method: 'POST',
    url: '/r/standup?name=a%20b',
    body: 'hello',
    headers: {
      host: new URL(url()).host,
      'x-forwarded-for': '198.51.100.9, 127.0.0.1',
      'x-forwarded-proto': 'http',
    },
  })
})

it.each(['/nobody', '/away'])('answers 503 where nobody is: %s', async (path) => {
  const response = await fetch(`${url()}${path}`)
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('2')
})

it('passes a WebSocket on, both ways, and closes it with the door', async () => {
  const socket = connect(door.port, '127.0.0.1')
  let heard = ''
  socket.on('data', (text) => {
    heard += text
  })
  socket.write(
    'GET /socket.io/ HTTP/1.1\r\nhost: x\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\nping',
  )
  while (!heard.endsWith('ping')) await once(socket, 'data')
  expect(heard).toMatch(/^HTTP\/1\.1 101/)
  const closed = once(socket, 'close')
  await door.close()
  await closed
  door = await openFrontDoor({ host: '127.0.0.1', port: 0, upstreamOf: () => upstream })
})

it('a port that is taken is an error of the system', async () => {
  await expect(
    openFrontDoor({ host: '127.0.0.1', port: upstream.port, upstreamOf: () => undefined }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

it('over TLS is reached by who trusts its certificate, and says so behind it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-door-'))
  const tls = { cert: join(folder, 'cert'), key: join(folder, 'key') }
  const certificate = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost'
  const names = ['-addext', 'subjectAltName=DNS:localhost']
  const files = ['-keyout', tls.key, '-out', tls.cert]
  await execa('openssl', ['req', ...certificate.split(' '), ...names, ...files])
  const secure = await openFrontDoor({
    host: '127.0.0.1',
    port: 0,
    tls,
    upstreamOf: () => upstream,
  })
  try {
    const request = get({
      ...{ host: 'localhost', port: secure.port, path: '/r/standup' },
      ...{ family: 4, ca: await readFile(tls.cert) },
    })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    expect(JSON.parse(await text(answer))).toMatchObject({
      url: '/r/standup',
      headers: { 'x-forwarded-proto': 'https' },
    })
  } finally {
    await secure.close()
    await rm(folder, { recursive: true })
  }
})
