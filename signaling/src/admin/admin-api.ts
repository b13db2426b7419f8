import { createHash } from 'node:crypto'
import {
  type AdminTokenResponse,
  adminTokenRequestSchema,
  type TrafficLive,
  type TrafficSeries,
} from '@parley/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type AdminClaims,
  signAdminToken,
  verifyAdminLink,
  verifyAdminToken,
} from '../access/admin-token.ts'
import type { AdmissionDeps } from '../access/admission.ts'
import { countedAs } from '../client-address.ts'
import { SignalingError } from '../errors.ts'
import { bearer, parse } from '../http-input.ts'
import type { RateLimit } from '../rate-limit.ts'
import type { MeterReader } from './meter-reader.ts'

/** Whoever is an admin no more is none after this. */
const tokenSeconds = 3600

export type AdminApiDeps = {
  admission: AdmissionDeps
  limit: RateLimit
  /** Reads what the meter knows; left out: there is no meter to ask. */
  meter?: MeterReader | undefined
}

/** `/api/admin`: to become an admin, and what only admins see. */
export function serveAdminApi(app: FastifyInstance, deps: AdminApiDeps): void {
  const { admission } = deps

  app.post('/api/admin/token', async (request): Promise<AdminTokenResponse> => {
    await deps.limit.take(countedAs(request.ip))
    const body = parse(adminTokenRequestSchema, request.body, 'body')
    const admin = await adminBy(body, admission)
    const now = admission.now()
    // What was made of a link ends with it.
    const left = Math.floor((admin.expiresAtMs - now) / 1000)
    const ttlSeconds = Math.max(1, Math.min(tokenSeconds, left))
    return {
      token: await signAdminToken(admission.keys()[0] ?? '', admin, now, ttlSeconds),
      tenant: admin.tenant,
      ...(admin.name !== undefined && { name: admin.name }),
      expiresInSeconds: ttlSeconds,
      ofServer: admin.tenant === admission.tenant,
    }
  })

  app.get('/api/admin/costs', async (request) => {
    const { tenant } = await adminOf(request)
    return meterOf(deps.meter).costs(tenant)
  })

  app.get('/api/admin/http', async (request): Promise<TrafficLive> => {
    await adminOfServer(request)
    return meterOf(deps.meter).http()
  })

  app.get('/api/admin/http/series', async (request): Promise<TrafficSeries> => {
    await adminOfServer(request)
    return meterOf(deps.meter).httpSeries()
  })

  async function adminOf(request: FastifyRequest): Promise<AdminClaims> {
    await deps.limit.take(countedAs(request.ip))
    return verifyAdminToken(
      admission.keys(),
      bearer(request.headers.authorization),
      admission.now(),
    )
  }

  /** Requests are of no tenant: only who runs the server sees them. */
  async function adminOfServer(request: FastifyRequest): Promise<AdminClaims> {
    const admin = await adminOf(request)
    if (admin.tenant === admission.tenant) return admin
    throw new SignalingError(
      'forbidden',
      `requests are counted for the whole server; only admins of its own tenant (${admission.tenant}) see them`,
    )
  }
}

/**
 * @throws {SignalingError} `sign-in-needed` or `invite-needed` for who shows nothing; `forbidden` for who is no admin;
 * and what verifying says
 */
async function adminBy(
  {
    link,
    idToken,
    nonce,
  }: { link?: string | undefined; idToken?: string | undefined; nonce?: string | undefined },
  { oidc, keys, now, tenant }: AdmissionDeps,
): Promise<AdminClaims> {
  if (link !== undefined) return verifyAdminLink(keys(), link, now())
  if (idToken === undefined)
    throw oidc
      ? new SignalingError('sign-in-needed', 'sign in as an admin, or open a link to this page')
      : new SignalingError('invite-needed', 'open a link to this page; `parley admin` makes one')
  if (!oidc) throw new SignalingError('invalid', 'body.idToken: nobody signs in here; leave it out')
  const identity = await oidc.verify(idToken, nonce)
  if (identity.role !== 'admin')
    throw new SignalingError(
      'forbidden',
      `you are signed in as ${identity.role}; only admins see this page: ask who runs it for that role`,
    )
  return {
    id: `a-${createHash('sha256').update(identity.account).digest('hex').slice(0, 12)}`,
    tenant: identity.tenant ?? tenant,
    ...(identity.name !== undefined && { name: identity.name }),
    expiresAtMs: now() + tokenSeconds * 1000,
  }
}

/** @throws {SignalingError} `not-found` */
function meterOf(meter: MeterReader | undefined): MeterReader {
  if (meter) return meter
  throw new SignalingError(
    'not-found',
    'this server asks no meter; set PARLEY_METER_API and PARLEY_METER_TOKEN_FILE',
  )
}
