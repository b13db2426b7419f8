import { randomUUID } from 'node:crypto'
import { displayNameSchema, type Role, roleSchema, slugSchema } from '@parley/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { SignalingError } from '../errors.ts'

const issuer = 'parley'
/** Not that of join tokens: an invitation is no seat, and a seat's token is no invitation. */
const audience = 'parley-invite'

const claimsSchema = z.object({
  jti: z.string().min(1).max(64),
  room: slugSchema,
  tenant: slugSchema,
  role: roleSchema,
  name: displayNameSchema.optional(),
  once: z.literal(true).optional(),
  exp: z.number(),
})

/** What an invitation says: who comes by it may be this, in that room. */
type Invitation = {
  room: string
  tenant: string
  role: Role
  /** Whoever comes has this name. */
  name?: string | undefined
  /** Good for one join. */
  once?: boolean | undefined
}

/** An invitation as it was read: with what tells it from others. */
export type SignedInvitation = Invitation & {
  id: string
  /** Epoch milliseconds. */
  expiresAtMs: number
}

/**
 * An invitation: JWT, HS256, signed with the keys of join tokens.
 *
 * @param nowMs epoch milliseconds
 * @returns the token, and when it expires in epoch seconds
 */
export async function signInvite(
  key: string,
  { room, tenant, role, name, once }: Invitation,
  nowMs: number,
  ttlSeconds: number,
  id: string = randomUUID(),
): Promise<{ invite: string; expiresAt: number }> {
  const now = Math.floor(nowMs / 1000)
  const expiresAt = now + ttlSeconds
  const claims = { room, tenant, role, ...(name && { name }), ...(once && { once }) }
  const invite = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setJti(id)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(new TextEncoder().encode(key))
  return { invite, expiresAt }
}

/**
 * Reads an invitation that any of `keys` signed.
 *
 * @param room that somebody wants to come to
 * @throws {SignalingError} `token-expired`; `forbidden` for that of another room; `unauthenticated` for one that
 * is forged or malformed
 */
export async function verifyInvite(
  keys: readonly string[],
  invite: string,
  room: string,
  nowMs: number,
): Promise<SignedInvitation> {
  for (const key of keys) {
    try {
      const { payload } = await jwtVerify(invite, new TextEncoder().encode(key), {
        algorithms: ['HS256'],
        issuer,
        audience,
        currentDate: new Date(nowMs),
        requiredClaims: ['exp', 'jti'],
      })
      const { jti: id, exp, ...claims } = claimsSchema.parse(payload)
      if (claims.room !== room)
        throw new SignalingError(
          'forbidden',
          'the invitation is for another room; open its link as it was sent',
        )
      return { ...claims, id, expiresAtMs: exp * 1000 }
    } catch (cause) {
      if (cause instanceof errors.JWSSignatureVerificationFailed) continue
      throw cause instanceof SignalingError ? cause : refusal(cause)
    }
  }
  throw refusal(undefined)
}

function refusal(cause: unknown): SignalingError {
  if (cause instanceof errors.JWTExpired)
    return new SignalingError('token-expired', 'the invitation has expired; ask for a new one', {
      cause,
    })
  return new SignalingError(
    'unauthenticated',
    'the invitation is not valid; open its link as it was sent, or ask for a new one',
    { cause },
  )
}
