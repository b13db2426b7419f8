import type { Role } from '@parley/protocol'
import { SignalingError } from '../errors.ts'

/** What hosts and admins do. */
export type Action = 'admit' | 'mute' | 'remove' | 'lock' | 'end' | 'invite'

/** Done to somebody: the role of whom it is done to counts too. */
const toSomebody: ReadonlySet<Action> = new Set(['mute', 'remove', 'invite'])

const rank: Record<Role, number> = { guest: 0, member: 1, host: 2, admin: 3 }

/** Whether `role` is `least` or more. */
export function atLeast(role: Role, least: Role): boolean {
  return rank[role] >= rank[least]
}

/**
 * Hosts and admins may do everything in their room, but nothing to somebody of a higher role than their own:
 * a host mutes and removes other hosts, never an admin; and nobody invites to more than they are themselves.
 *
 * @param target role of whom it is done to, or who is invited to
 */
export function may(actor: Role, action: Action, target: Role = 'guest'): boolean {
  return atLeast(actor, 'host') && (!toSomebody.has(action) || atLeast(actor, target))
}

/** @throws {SignalingError} `forbidden`, with who could do it */
export function demand(actor: Role, action: Action, target: Role = 'guest'): void {
  if (may(actor, action, target)) return
  const message = atLeast(actor, 'host')
    ? `only an admin may do that to an admin (${action}); ask one`
    : `only a host may do that (${action}); ask one`
  throw new SignalingError('forbidden', message)
}
