import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import Fastify from 'fastify'
import { monitorHttp } from './http-monitor.ts'
import type { Sample } from './rows.ts'

async function serverWith(samples: Sample[]) {
  const app = Fastify()
  monitorHttp(app, { record: (sample) => samples.push(sample), expect: () => {} })
  app.addHook('onRequest', async (request) => {
    if (request.headers.origin) throw Object.assign(new Error('no'), { statusCode: 403 })
  })
  app.post('/api/rooms/:room/join', async () => ({ token: 'secret-token' }))
  app.get('/file', (_request, reply) =>
    reply.header('content-length', 5).send(Readable.from(['12', '345'])),
  )
  app.get('/fails', async () => {
    throw new Error('it failed')
  })
  await app.ready()
  return app
}

describe('the HTTP monitor', () => {
  it('REQ-H1: counts each answer by its route, with status, sizes and time, and nothing of the URL', async () => {
    const samples: Sample[] = []
    const app = await serverWith(samples)
    const payload = JSON.stringify({ name: 'Ada' })
    const headers = { 'content-type': 'application/json' }
    await app.inject({
      method: 'POST',
      url: '/api/rooms/secret-room/join?invite=x',
      headers,
      payload,
    })
    await app.inject('/file')
    await app.inject({ method: 'HEAD', url: '/file' })
    await app.inject('/fails')
    await app.inject({ url: '/file', headers: { origin: 'https://evil.example' } })
    await app.inject('/secret/../path?token=secret-token')
    expect(samples.map(({ name, method, status }) => `${method} ${name} ${status}`)).toEqual([
      'POST /api/rooms/:room/join 200',
      'GET /file 200',
      'HEAD /file 200',
      'GET /fails 500',
      'GET /file 403',
      'GET (none) 404',
    ])
    expect(samples[0]).toMatchObject({ bytesIn: payload.length, bytesOut: 24 })
    expect(samples[1]?.bytesOut).toBe(5)
    expect(samples[2]?.bytesOut).toBe(0)
    for (const { micros } of samples) expect(micros).toBeGreaterThan(0)
    expect(JSON.stringify(samples)).not.toContain('secret')
  })

  it('REQ-S4: says which routes there are before any request comes', async () => {
    const app = Fastify()
    const routes: string[] = []
    const note = (method: string, route: string) => routes.push(`${method} ${route}`)
    monitorHttp(app, { record: () => {}, expect: note })
    app.get('/file', async () => '')
    app.route({ method: ['POST', 'PUT'], url: '/rooms/:room', handler: async () => '' })
    await app.ready()
    expect(routes).toEqual(['GET /file', 'POST /rooms/:room', 'PUT /rooms/:room'])
  })

  it('REQ-H1: believes nobody that a body came which is larger than any that is read', async () => {
    const samples: Sample[] = []
    const app = await serverWith(samples)
    const headers = { 'content-type': 'application/json', 'content-length': '1000000000000' }
    const join = { method: 'POST', url: '/api/rooms/r/join', payload: '{}' } as const
    await app.inject({ ...join, headers })
    await app.inject({ url: '/file', headers })
    await app.inject({ url: '/nowhere', headers })
    expect(samples.map(({ status, bytesIn }) => `${status} ${bytesIn}`)).toEqual([
      '413 0',
      '200 0',
      '404 0',
    ])
  })

  it('REQ-H4: counts before any of the answer is sent', async () => {
    const seen: string[] = []
    const app = Fastify()
    monitorHttp(app, { record: () => seen.push('counted'), expect: () => {} })
    app.get('/', (_request, reply) => {
      const end = reply.raw.end.bind(reply.raw)
      reply.raw.end = ((...args: Parameters<typeof end>) => {
        seen.push('sent')
        return end(...args)
      }) as typeof end
      reply.send('x')
    })
    await app.inject('/')
    expect(seen).toEqual(['counted', 'sent'])
  })
})
