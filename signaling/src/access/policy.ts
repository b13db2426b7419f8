import type { AuthConfig, Role } from '@parley/protocol'
import { SignalingError } from '../errors.ts'
import { atLeast } from './powers.ts'

/** How people become somebody here. */
export type AccessPolicy = {
  mode: 'Token' | 'OIDC'
  /** Of guests: let in, held until a host lets them in, or, without an invitation, refused. */
  guests: 'Admit' | 'Knock' | 'Refuse'
}

/**
 * Those who show no invitation.
 *
 * @param role that a sign-in gives them; undefined: they did not sign in
 * @throws {SignalingError} `invite-needed` or `sign-in-needed`
 */
export function admitUninvited({ mode, guests }: AccessPolicy, role: Role | undefined): void {
  if (role !== undefined && atLeast(role, 'member')) return
  if (mode === 'OIDC' && role === undefined)
    throw new SignalingError('sign-in-needed', 'sign in first, or ask a host for an invitation')
  if (guests === 'Refuse')
    throw new SignalingError(
      'invite-needed',
      'people come to this room by invitation only; ask a host for one',
    )
}

/** Whether somebody of this role has to knock, also where the room is not locked. */
export function knocks({ guests }: AccessPolicy, role: Role): boolean {
  return guests === 'Knock' && !atLeast(role, 'member')
}

/**
 * The least role of somebody who is host for want of one. Where guests cannot come of themselves, one of them
 * must not rule either.
 */
export function leastHeir({ mode, guests }: AccessPolicy): Role {
  return mode === 'Token' && guests === 'Admit' ? 'guest' : 'member'
}

export function authConfigOf(
  policy: AccessPolicy,
  oidc: { issuer: string; clientId: string; scope: string } | undefined,
): AuthConfig {
  if (policy.mode !== 'OIDC' || !oidc) return { mode: 'Token', guests: policy.guests }
  const { issuer, clientId, scope } = oidc
  return { mode: 'OIDC', issuer, clientId, scope }
}
