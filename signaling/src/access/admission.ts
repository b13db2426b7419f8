import type { JoinRequest, Role } from '@parley/protocol'
import { SignalingError } from '../errors.ts'
import { accountOfInvite } from '../rooms/room-door.ts'
import { verifyInvite } from './invite-token.ts'
import type { Identity, Oidc } from './oidc.ts'
import { type AccessPolicy, admitUninvited } from './policy.ts'
import { atLeast } from './powers.ts'

/** As what somebody comes to a room. */
export type Admission = {
  tenant: string
  name: string
  role: Role
  /** Of one person, where it can be told who they are. */
  account?: string
  /** Of an invitation for one join: what is used up by it, by which device, and until when that has to be remembered. */
  once?: { what: string; holder: string | undefined; untilMs: number }
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
  if (!invitation) admitUninvited(deps.policy, identity?.role)
  const account =
    identity?.account ?? (invitation?.once ? accountOfInvite(invitation.id) : undefined)
  const tenant = tenantOf(request, invitation?.tenant ?? identity?.tenant, deps.tenant)
  // Whoever rules in one tenant is invited to another as whoever else is.
  const atHome = identity && (identity.tenant ?? deps.tenant) === tenant
  return {
    tenant,
    name: identity?.name ?? invitation?.name ?? request.name,
    role: greater(atHome ? identity.role : 'guest', invitation?.role ?? 'guest'),
    ...(account !== undefined && { account }),
    ...(invitation?.once && {
      once: {
        what: accountOfInvite(invitation.id),
        holder: request.holder,
        untilMs: invitation.expiresAtMs,
      },
    }),
  }
}

async function identityOf(
  { idToken, nonce }: JoinRequest,
  oidc: Oidc | undefined,
): Promise<Identity | undefined> {
  if (idToken === undefined) return undefined
  if (!oidc) throw new SignalingError('invalid', 'body.idToken: nobody signs in here; leave it out')
  return oidc.verify(idToken, nonce)
}

/** Relaying is charged to a tenant: one that nobody vouches for is not taken. */
function tenantOf(
  { tenant: asked }: JoinRequest,
  vouched: string | undefined,
  byDefault: string,
): string {
  const tenant = vouched ?? byDefault
  if (asked === undefined || asked === tenant) return tenant
  throw new SignalingError(
    'forbidden',
    vouched === undefined
      ? 'body.tenant: only an invitation, or a sign-in, brings you to a room of another tenant; leave it out'
      : 'body.tenant: you are vouched for as of another tenant; open the link as it was sent',
  )
}

function greater(one: Role, other: Role): Role {
  return atLeast(one, other) ? one : other
}
