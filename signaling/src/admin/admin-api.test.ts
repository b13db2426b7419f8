import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { adminTokenResponseSchema, type ErrorCode, type Role } from '@parley/protocol'
import Fastify, { type FastifyInstance } from 'fastify'
import { signAdminLink, verifyAdminToken } from '../access/admin-token.ts'
import { httpStatus, SignalingError } from '../errors.ts'
import { signJoinToken } from '../join-token.ts'
import { rateLimit } from '../rate-limit.ts'
import { serveAdminApi } from './admin-api.ts'
import type { MeterReader } from './meter-reader.ts'

const now = 1_800_000_000_000
const key = 'a key of this test'
const costs = { currency: 'USD', perHour: 1, monthToDate: 2 }

describe('REQ-G2: becoming an admin without a seat', () => {
  let app: FastifyInstance
  let identity: { account: string; role: Role; tenant?: string; name?: string }
  let asked: string[]

  const serve = (options: { oidc?: boolean; meter?: boolean } = {}) => {
    app = Fastify({ logger: false })
    app.setErrorHandler((error, _request, reply) =>
      error instanceof SignalingError
        ? reply.code(httpStatus[error.code]).send(error.toJSON())
        : reply.code(500).send(String(error)),
    )
    const meter = {
      costs: async (tenant: string) => {
        asked.push(`costs ${tenant}`)
        return costs
      },
      http: async () => {
        asked.push('http')
        return {}
      },
    }
    serveAdminApi(app, {
      limit: rateLimit(1000, 1000),
      ...(options.meter !== false && { meter: meter as unknown as MeterReader }),
      admission: {
        policy: { mode: options.oidc ? 'OIDC' : 'Token', guests: 'Admit' },
        oidc: options.oidc ? { verify: async () => identity } : undefined,
        keys: () => [key, 'older'],
        now: () => now,
        tenant: 'default',
      },
    })
  }
  beforeEach(() => {
    asked = []
    identity = { account: 'somebody', role: 'admin' }
  })
  afterEach(() => app.close())

  const post = async (payload: object) => {
    const answer = await app.inject({ method: 'POST', url: '/api/admin/token', payload })
    return { status: answer.statusCode, body: answer.json() }
  }
  const refused = async (payload: object): Promise<ErrorCode> => {
    const { status, body } = await post(payload)
    expect(status).toBe(httpStatus[body.code as ErrorCode])
    return body.code
  }
  const get = async (url: string, token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await app.inject({ method: 'GET', url, headers })
    return answer.statusCode === 200 ? answer.json() : answer.json().code
  }
  const tokenOf = async (payload: object) =>
    adminTokenResponseSchema.parse((await post(payload)).body)
  const linkOf = (tenant: string, ttlSeconds = 7200, signedAt = now) =>
    signAdminLink('older', { tenant, name: 'Ada' }, signedAt, ttlSeconds)

  it('takes a link, for its tenant, for an hour at most and no longer than the link', async () => {
    serve()
    const made = await tokenOf({ link: await linkOf('acme') })
    expect(made).toMatchObject({ tenant: 'acme', name: 'Ada', ofServer: false })
    expect(made.expiresInSeconds).toBe(3600)
    expect(await verifyAdminToken([key], made.token, now)).toMatchObject({ tenant: 'acme' })
    const short = await tokenOf({ link: await linkOf('default', 90) })
    expect(short).toMatchObject({ ofServer: true, expiresInSeconds: 90 })
  })

  it('takes who signed in as an admin, of their tenant or of that of the server', async () => {
    serve({ oidc: true })
    expect(await tokenOf({ idToken: 'x' })).toMatchObject({ tenant: 'default', ofServer: true })
    identity = { ...identity, tenant: 'acme', name: 'Ada' }
    expect(await tokenOf({ idToken: 'x' })).toMatchObject({ tenant: 'acme', name: 'Ada' })
    for (const role of ['guest', 'member', 'host'] as const) {
      identity = { ...identity, role }
      expect(await refused({ idToken: 'x' })).toBe('forbidden')
    }
  })

  it('says what is missing, or wrong', async () => {
    serve()
    expect(await refused({})).toBe('invite-needed')
    expect(await refused({ idToken: 'x' })).toBe('invalid')
    expect(await refused({ link: 1 })).toBe('invalid')
    expect(await refused({ link: 'forged' })).toBe('unauthenticated')
    expect(await refused({ link: await linkOf('acme', 60, now - 61_000) })).toBe('token-expired')
    serve({ oidc: true })
    expect(await refused({})).toBe('sign-in-needed')
  })

  it('tells costs of the own tenant; requests only to admins of the tenant of the server', async () => {
    serve()
    const [own, other] = [
      await tokenOf({ link: await linkOf('default') }),
      await tokenOf({ link: await linkOf('acme') }),
    ]
    expect(await get('/api/admin/costs', other.token)).toEqual(costs)
    expect(await get('/api/admin/http', own.token)).toEqual({})
    expect(await get('/api/admin/http', other.token)).toBe('forbidden')
    expect(await get('/api/admin/http/series', other.token)).toBe('forbidden')
    expect(asked).toEqual(['costs acme', 'http'])
  })

  it('takes no other token: neither a link, nor that of a seat, whatever its role', async () => {
    serve()
    const claims = { room: 'r', tenant: 'default', participant: 'p-1', name: 'Ada' }
    const seat = await signJoinToken(key, { ...claims, role: 'admin' }, now, 600)
    for (const token of [seat, await linkOf('default'), 'x'])
      expect(await get('/api/admin/costs', token)).toBe('unauthenticated')
    expect(asked).toEqual([])
  })

  it('where there is no meter says so', async () => {
    serve({ meter: false })
    const { token } = await tokenOf({ link: await linkOf('default') })
    expect(await get('/api/admin/costs', token)).toBe('not-found')
  })
})
