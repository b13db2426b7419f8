import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
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
