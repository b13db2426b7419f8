import { randomUUID } from 'node:crypto'
import { displayNameSchema, slugSchema } from '@parley/protocol'
import { decodeJwt, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { SignalingError } from '../errors.ts'

const issuer = 'parley'
/** None of them is good for another: a link is no token, and neither is a seat. */
const audiences = { link: 'parley-admin-link', token: 'parley-admin' } as const

const claimsSchema = z.object({
  tenant: slugSchema,
  name: displayNameSchema.optional(),
})

/** Who sees how the meetings of a tenant are, without a seat in any. */
export type AdminClaims = {
  /** Of this admin, for limits; says nothing about them. */
  id: string
  tenant: string
  name?: string | undefined
  /** Epoch milliseconds. */
  expiresAtMs: number
}

type Granted = { tenant: string; name?: string | undefined }

/**
 * A link to the admin page: JWT, HS256, signed with the keys of join tokens.
 *
 * @param nowMs epoch milliseconds
 */
export function signAdminLink(
  key: string,
  granted: Granted,
  nowMs: number,
  ttlSeconds: number,
): Promise<string> {
  return sign(key, 'link', randomUUID(), granted, nowMs, ttlSeconds)
}

/** @throws {SignalingError} `token-expired`; `unauthenticated` for one that is forged or malformed */
export function verifyAdminLink(
  keys: readonly string[],
  link: string,
  nowMs: number,
): Promise<AdminClaims> {
  return verify(keys, 'link', link, nowMs)
}

/** What the admin page shows the server, as long as it is good. */
export async function signAdminToken(
  key: string,
  admin: Granted & { id: string },
  nowMs: number,
  ttlSeconds: number,
): Promise<string> {
  return sign(key, 'token', admin.id, admin, nowMs, ttlSeconds)
}

/** @throws {SignalingError} `token-expired` or `unauthenticated` */
export function verifyAdminToken(
  keys: readonly string[],
  token: unknown,
  nowMs: number,
): Promise<AdminClaims> {
  return verify(keys, 'token', token, nowMs)
}

/** Whether it says that it is one; nothing else of it has been read. */
export function looksLikeAdminToken(token: unknown): boolean {
  if (typeof token !== 'string') return false
  try {
    return decodeJwt(token).aud === audiences.token
  } catch {
    return false
  }
}

function sign(
  key: string,
  kind: keyof typeof audiences,
  id: string,
  { tenant, name }: Granted,
  nowMs: number,
  ttlSeconds: number,
): Promise<string> {
  const now = Math.floor(nowMs / 1000)
  return new SignJWT({ tenant, ...(name && { name }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(id)
    .setIssuer(issuer)
    .setAudience(audiences[kind])
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(new TextEncoder().encode(key))
}

async function verify(
  keys: readonly string[],
  kind: keyof typeof audiences,
  token: unknown,
  nowMs: number,
): Promise<AdminClaims> {
  if (typeof token !== 'string' || token === '') throw refusal(kind, undefined)
  for (const key of keys) {
    try {
      const { payload } = await jwtVerify(token, new TextEncoder().encode(key), {
        algorithms: ['HS256'],
        issuer,
        audience: audiences[kind],
        currentDate: new Date(nowMs),
        requiredClaims: ['exp', 'sub'],
      })
      return claimsOf(payload)
    } catch (cause) {
      if (cause instanceof errors.JWSSignatureVerificationFailed) continue
      throw refusal(kind, cause)
    }
  }
  throw refusal(kind, undefined)
}

function claimsOf(payload: JWTPayload): AdminClaims {
  const { tenant, name } = claimsSchema.parse(payload)
  return {
    id: payload.sub ?? '',
    tenant,
    ...(name !== undefined && { name }),
    expiresAtMs: (payload.exp ?? 0) * 1000,
  }
}

function refusal(kind: keyof typeof audiences, cause: unknown): SignalingError {
  const what = kind === 'link' ? 'the link to the admin page' : 'the admin token'
  if (cause instanceof errors.JWTExpired)
    return new SignalingError('token-expired', `${what} has expired; ask for a new one`, { cause })
  const remedy =
    kind === 'link'
      ? 'open it as it was sent, or make one with `parley admin`'
      : 'ask /api/admin/token for one'
  return new SignalingError('unauthenticated', `${what} is not valid; ${remedy}`, { cause })
}
