import { moderates, type Role } from '@parley/protocol'
import { atLeast } from './powers.ts'

/** Somebody with a seat: the role they came with, and whether they are host for want of one. */
export type Seated = { id: string; role: Role; joinedAt: number; crowned: boolean }

/**
 * Who is host of a room for want of one. A room is never without somebody who can let in, mute or unlock: where
 * nobody came as a host, the one who has been there longest is host, until a host comes. A crown stays with who
 * has it. The Redis store does the same in Lua (rooms/door-scripts.ts).
 *
 * @param least role that one must have come with
 */
export function crownOf(seated: readonly Seated[], least: Role): string | undefined {
  if (seated.some(({ role }) => moderates(role))) return undefined
  const heirs = seated.filter(({ role }) => atLeast(role, least))
  const kept = heirs.find(({ crowned }) => crowned)
  if (kept) return kept.id
  return heirs.toSorted((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1))[0]?.id
}
