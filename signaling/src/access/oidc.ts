import { createHash } from 'node:crypto'
import { displayNameSchema, type Role } from '@parley/protocol'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import { SignalingError } from '../errors.ts'

export type OidcConfig = {
  /** URL of the identity provider, as it stands in its tokens. */
  issuer: string
  clientId: string
  /** The claim with what somebody is at the provider: a text or a list of texts. */
  rolesClaim: string
  /** Who has this there is a host of every room. */
  hostRole: string
  /** Who has this there is an admin. */
  adminRole: string
}

/** Who somebody is, as the identity provider says. */
export type Identity = {
  /** Of this person at this provider, and of nobody else; says nothing about them. */
  account: string
  role: Role
  name?: string
}

export type Oidc = {
  /**
   * @throws {SignalingError} `token-expired`; `unauthenticated` for a token of somebody else, for somebody else or
   * with another nonce; `unavailable` while the provider cannot be asked for its keys
   */
  verify(idToken: string, nonce: string): Promise<Identity>
}

/** Clocks of ours and of the provider may differ by this. */
const clockToleranceSeconds = 60
const requestMs = 3000
/** Of asymmetric keys only: nobody who knows our client id may sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() })

/**
 * OpenID Connect, as a relying party that only reads ID tokens: pages get them by authorization code and PKCE
 * (https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation).
 *
 * @param now epoch milliseconds
 */
export function oidcOf(config: OidcConfig, now: () => number): Oidc {
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined
  const keysOf = () => {
    keys ??= discover(config.issuer)
    // Asked again by whoever comes next.
    keys.catch(() => {
      keys = undefined
    })
    return keys
  }
  return {
    async verify(idToken, nonce) {
      const jwks = await keysOf()
      try {
        const { payload } = await jwtVerify(idToken, jwks, {
          algorithms,
          issuer: config.issuer,
          audience: config.clientId,
          clockTolerance: clockToleranceSeconds,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'iat', 'sub', 'nonce'],
        })
        if (payload.nonce !== nonce) throw notValid('its nonce is of another sign-in')
        // Issued for several parties it has to say that we are the one it was given to.
        if (Array.isArray(payload.aud) && payload.aud.length > 1 && payload.azp !== config.clientId)
          throw notValid('it was given to somebody else')
        return identityOf(payload, config)
      } catch (cause) {
        throw cause instanceof SignalingError ? cause : refusal(cause)
      }
    },
  }
}

/** What claims say of somebody: more than a member only who has one of the two configured roles. */
export function identityOf(
  payload: JWTPayload,
  config: Pick<OidcConfig, 'issuer' | 'rolesClaim' | 'hostRole' | 'adminRole'>,
): Identity {
  const claimed = payload[config.rolesClaim]
  const has = (role: string) =>
    role !== '' && (Array.isArray(claimed) ? claimed.includes(role) : claimed === role)
  const role = has(config.adminRole) ? 'admin' : has(config.hostRole) ? 'host' : 'member'
  const names = [payload.name, payload.preferred_username]
  const name = names.map((name) => displayNameSchema.safeParse(name)).find(({ success }) => success)
  return {
    account: createHash('sha256')
      .update(JSON.stringify([config.issuer, payload.sub]))
      .digest('base64url')
      .slice(0, 32),
    role,
    ...(name?.data !== undefined && { name: name.data }),
  }
}

async function discover(issuer: string) {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(requestMs) })
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    const found = discoverySchema.parse(await response.json())
    if (found.issuer !== issuer)
      throw new Error(`${url} is of ${found.issuer}; write the issuer exactly so`)
    return createRemoteJWKSet(new URL(found.jwks_uri), { timeoutDuration: requestMs })
  } catch (cause) {
    throw notThere(cause)
  }
}

function notThere(cause: unknown): SignalingError {
  return new SignalingError(
    'unavailable',
    'the identity provider cannot be asked for its keys; try again shortly',
    { cause },
  )
}

function notValid(why: string): SignalingError {
  return new SignalingError('unauthenticated', `the sign-in is not valid (${why}); sign in again`)
}

function refusal(cause: unknown): SignalingError {
  if (cause instanceof errors.JWTExpired)
    return new SignalingError('token-expired', 'the sign-in is too old; sign in again', { cause })
  if (cause instanceof errors.JWTClaimValidationFailed)
    return notValid(`its ${cause.claim} is not as expected`)
  // Neither a key that is missing nor a signature that is wrong: the keys could not be read.
  const ofTheToken =
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JWTInvalid ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JOSENotSupported
  return ofTheToken ? notValid('it is not signed by the identity provider') : notThere(cause)
}
