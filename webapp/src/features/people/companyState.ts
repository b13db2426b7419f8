import type { Knocker, Role } from '@parley/protocol'

export type CompanyState = {
  /** Of everybody in the room, oneself included, by id. */
  roles: Readonly<Record<string, Role>>
  /** Since when hands are up: server's time, epoch ms, by id. */
  hands: Readonly<Record<string, number>>
  /** Whoever comes now has to be let in. */
  locked: boolean
  /** Before the door; hosts see it. */
  lobby: readonly Knocker[]
  /** What a host has done to oneself, or what did not work, for a moment. */
  notice: CompanyNotice | null
}

export type CompanyNotice =
  | { kind: 'muted'; what: 'audio' | 'video' }
  | { kind: 'host' }
  | { kind: 'failed'; why: 'offline' | 'forbidden' | 'other' }

export const initialCompany: CompanyState = {
  roles: {},
  hands: {},
  locked: false,
  lobby: [],
  notice: null,
}
