import type { JoinRequest, Role } from '@parley/protocol'
import { SignalingError } from '../errors.ts'
import { type SignedInvitation, verifyInvite } from './invite-token.ts'
import type { Identity, Oidc } from './oidc.ts'
import { type AccessPolicy, admitStranger } from './policy.ts'
import { atLeast } from './powers.ts'

/** As what somebody comes to a room. */
export type Admission = {
  tenant: string
  name: string
  role: Role
  /** Of one person, where it can be told who they are. */
  account?: string
  /** Of an invitation for one join: what is used up by it, and until when that has to be remembered. */
  once?: { what: string; untilMs: number }
}

export type AdmissionDeps = {
  policy: AccessPolicy
  /** Without it nobody signs in. */
  oidc: Oidc | undefined
  /** That sign and verify invitations, the newest first. @throws {SignalingError} `unavailable` */
  keys(): readonly string[]
  /** Epoch milliseconds. */
  now(): number
  /** Tenant of those who name none. */
  tenant: string
}

/**
 * Judges what somebody shows who wants to join: an invitation, a sign-in, both or nothing. Of two roles the greater
 * one counts, and a name that somebody vouches for before one that is only said.
 *
 * @throws {SignalingError} with what to do about it
 */
export async function admissionOf(
  request: JoinRequest,
  room: string,
  deps: AdmissionDeps,
): Promise<Admission> {
  const identity = await identityOf(request, deps.oidc)
  const invitation =
    request.invite === undefined
      ? undefined
      : await verifyInvite(deps.keys(), request.invite, room, deps.now())
  if (!identity && !invitation) admitStranger(deps.policy)
  const account = identity?.account ?? (invitation?.once ? `invite:${invitation.id}` : undefined)
  return {
    tenant: tenantOf(request, invitation, deps.tenant),
    name: identity?.name ?? invitation?.name ?? request.name,
    role: greater(identity?.role ?? 'guest', invitation?.role ?? 'guest'),
    ...(account !== undefined && { account }),
    ...(invitation?.once && {
      once: { what: `invite:${invitation.id}`, untilMs: invitation.expiresAtMs },
    }),
  }
}

async function identityOf(
  { idToken, nonce }: JoinRequest,
  oidc: Oidc | undefined,
): Promise<Identity | undefined> {
  if (idToken === undefined) return undefined
  if (!oidc) throw new SignalingError('invalid', 'body.idToken: nobody signs in here; leave it out')
  if (nonce === undefined)
    throw new SignalingError(
      'invalid',
      'body.nonce: give the nonce that the sign-in was asked for with',
    )
  return oidc.verify(idToken, nonce)
}

function tenantOf(
  request: JoinRequest,
  invitation: SignedInvitation | undefined,
  byDefault: string,
): string {
  if (!invitation) return request.tenant ?? byDefault
  if (request.tenant !== undefined && request.tenant !== invitation.tenant)
    throw new SignalingError(
      'forbidden',
      'the invitation is for a room of another tenant; open its link as it was sent',
    )
  return invitation.tenant
}

function greater(one: Role, other: Role): Role {
  return atLeast(one, other) ? one : other
}
