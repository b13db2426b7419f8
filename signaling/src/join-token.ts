import { displayNameSchema, type Role, roleSchema, slugSchema } from '@parley/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { SignalingError } from './errors.ts'

const issuer = 'parley'
const audience = 'parley-meeting'

const claimsSchema = z.object({
  sub: slugSchema,
  room: slugSchema,
  tenant: slugSchema,
  name: displayNameSchema,
  role: roleSchema.default('guest'),
  account: z.string().max(128).optional(),
  sfu: z.literal(true).optional(),
  crowned: z.literal(true).optional(),
})

/** Who may take which seat: what a join token says, and all that a socket is trusted for. */
export type JoinClaims = {
  participant: string
  room: string
  tenant: string
  name: string
  /** That they came with. */
  role: Role
  /** Of one person, whatever participant they are: their sign-in, or their own invitation. */
  account?: string | undefined
  /** The room is on the SFU, as far as this participant is concerned, also if its server forgot. */
  sfu?: true | undefined
  /** They were host for want of another, as a server that has just started without a memory learns of it. */
  crowned?: true | undefined
}

/**
 * A join token: JWT, HS256. It is also the resume token: whoever shows it takes the same seat.
 *
 * @param nowMs epoch milliseconds
 */
export function signJoinToken(
  key: string,
  claims: JoinClaims,
  nowMs: number,
  ttlSeconds: number,
): Promise<string> {
  const now = Math.floor(nowMs / 1000)
  const { room, tenant, name, role, account, sfu, crowned } = claims
  return new SignJWT({
    room,
    tenant,
    name,
    role,
    ...(account && { account }),
    ...(sfu && { sfu }),
    ...(crowned && { crowned }),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(claims.participant)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(encode(key))
}

/**
 * Reads a token that any of `keys` signed.
 *
 * @throws {SignalingError} `unauthenticated` for one that is missing, forged, malformed or expired
 */
export async function verifyJoinToken(
  keys: readonly string[],
  token: unknown,
  nowMs: number,
): Promise<JoinClaims> {
  if (typeof token !== 'string' || token === '')
    throw new SignalingError('unauthenticated', 'a join token is needed; ask the join API for one')
  for (const key of keys) {
    try {
      const { payload } = await jwtVerify(token, encode(key), {
        algorithms: ['HS256'],
        issuer,
        audience,
        currentDate: new Date(nowMs),
        requiredClaims: ['exp'],
      })
      const { sub, ...claims } = claimsSchema.parse(payload)
      return { participant: sub, ...claims }
    } catch (cause) {
      if (cause instanceof errors.JWSSignatureVerificationFailed) continue
      throw refusal(cause)
    }
  }
  throw refusal(undefined)
}

function refusal(cause: unknown): SignalingError {
  const message =
    cause instanceof errors.JWTExpired
      ? 'the join token has expired; join again'
      : 'the join token is not valid; join again'
  return new SignalingError('unauthenticated', message, { cause })
}

function encode(key: string): Uint8Array {
  return new TextEncoder().encode(key)
}
