import { createHash } from 'node:crypto'
import { displayNameSchema, type Role, slugSchema } from '@parley/protocol'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { SignalingError } from '../errors.ts'
import { issuerKeys, keysAway } from './issuer-keys.ts'

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
  /** Who has neither this nor one of the two is a guest; empty: everybody who signs in is a member. */
  memberRole: string
  /** The claim with the tenant that somebody is of; empty: nothing says it. */
  tenantClaim: string
}

/** Who somebody is, as the identity provider says. */
export type Identity = {
  /** Of this person at this provider, and of nobody else; says nothing about them. */
  account: string
  role: Role
  name?: string
  tenant?: string
}

export type Oidc = {
  /**
   * @param nonce of the sign-in; a token that was renewed may have none
   * @throws {SignalingError} `token-expired`; `unauthenticated` for a token of somebody else, for somebody else or
   * with another nonce; `unavailable` while the provider cannot be asked for its keys
   */
  verify(idToken: string, nonce: string | undefined): Promise<Identity>
}

/** Clocks of ours and of the provider may differ by this. */
const clockToleranceSeconds = 60
/** Of asymmetric keys only: nobody who knows our client id may sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']

/**
 * OpenID Connect, as a relying party that only reads ID tokens: pages get them by authorization code and PKCE
 * (https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation).
 *
 * @param now epoch milliseconds
 */
export function oidcOf(config: OidcConfig, now: () => number): Oidc {
  const keys = issuerKeys(config.issuer, now)
  return {
    async verify(idToken, nonce) {
      try {
        const { payload } = await jwtVerify(idToken, keys, {
          algorithms,
          issuer: config.issuer,
          audience: config.clientId,
          clockTolerance: clockToleranceSeconds,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'iat', 'sub'],
        })
        if (payload.nonce !== nonce) throw notValid('its nonce is of another sign-in')
        // Whom it was given to has to be us; issued for several parties it has to say so.
        const several = Array.isArray(payload.aud) && payload.aud.length > 1
        if ((several || payload.azp !== undefined) && payload.azp !== config.clientId)
          throw notValid('it was given to somebody else')
        if ((payload.iat ?? 0) * 1000 > now() + clockToleranceSeconds * 1000)
          throw notValid(otherClock)
        return identityOf(payload, config)
      } catch (cause) {
        throw cause instanceof SignalingError ? cause : refusal(cause, now())
      }
    },
  }
}

/** What claims say of somebody: more than a member only who has one of the two configured roles. */
export function identityOf(payload: JWTPayload, config: Omit<OidcConfig, 'clientId'>): Identity {
  const claimed = claimOf(payload, config.rolesClaim)
  const has = (role: string) =>
    role !== '' && (Array.isArray(claimed) ? claimed.includes(role) : claimed === role)
  const known = config.memberRole === '' || has(config.memberRole)
  const least = known ? 'member' : 'guest'
  const role = has(config.adminRole) ? 'admin' : has(config.hostRole) ? 'host' : least
  const tenant = config.tenantClaim === '' ? undefined : claimOf(payload, config.tenantClaim)
  const names = [payload.name, payload.preferred_username]
  const name = names.map((name) => displayNameSchema.safeParse(name)).find(({ success }) => success)
  return {
    account: createHash('sha256')
      .update(JSON.stringify([config.issuer, payload.sub]))
      .digest('base64url')
      .slice(0, 32),
    role,
    ...(name?.data !== undefined && { name: name.data }),
    ...(tenant !== undefined && { tenant: tenantOf(tenant) }),
  }
}

/** What a room's tenant may not be is said, instead of taking another one. */
function tenantOf(claim: unknown): string {
  const tenant = slugSchema.safeParse(claim)
  if (tenant.success) return tenant.data
  throw new SignalingError(
    'forbidden',
    'the tenant that the identity provider says is no name of one; ask who runs it',
  )
}

/** Of a claim in dots (`realm_access.roles`) the inner one, unless one is named so as a whole. */
function claimOf(payload: JWTPayload, path: string): unknown {
  if (path in payload) return payload[path]
  return path.split('.').reduce<unknown>((found, key) => {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    return (found as Record<string, unknown>)[key]
  }, payload)
}

function notValid(why: string): SignalingError {
  return new SignalingError('unauthenticated', `the sign-in is not valid (${why}); sign in again`)
}

const otherClock =
  'it is of a time to come: the clock of this server, or of the identity provider, is wrong'

function refusal(cause: unknown, nowMs: number): SignalingError {
  if (cause instanceof errors.JWTExpired) return expired(cause, nowMs)
  if (cause instanceof errors.JWTClaimValidationFailed)
    return notValid(cause.claim === 'nbf' ? otherClock : `its ${cause.claim} is not as expected`)
  // Neither a key that is missing nor a signature that is wrong: the keys could not be read.
  const ofTheToken =
    cause instanceof errors.JWKSNoMatchingKey ||
    // It does not say which of several: whoever has several has to (OpenID Connect Core 10.1).
    cause instanceof errors.JWKSMultipleMatchingKeys ||
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JWTInvalid ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JOSENotSupported
  return ofTheToken ? notValid('it is not signed by the identity provider') : keysAway(cause)
}

/** Who has just signed in, and is too late nevertheless, can do nothing about it. */
function expired(cause: errors.JWTExpired, nowMs: number): SignalingError {
  const agoMinutes = Math.round((nowMs / 1000 - (cause.payload.exp ?? 0)) / 60)
  return new SignalingError(
    'token-expired',
    `the sign-in ended ${agoMinutes} min ago; sign in again. If you just did, the clock of this server, or of the identity provider, is wrong`,
    { cause },
  )
}
