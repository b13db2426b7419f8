import type { MediaState, Participant } from '@parley/protocol'

export type RoomKey = { tenant: string; room: string }

/**
 * A participant's place in a room. `session` is the socket that holds it: only its holder may
 * change or give up the seat, so a socket that was replaced cannot undo what its successor did.
 */
export type Seat = { participant: Participant; session: string }

export type JoinOutcome =
  | { kind: 'full'; expired: string[] }
  | {
      kind: 'joined'
      /** The participant had this seat already: a reconnection, of which others hear nothing. */
      returned: boolean
      /** The socket that held the seat before, where it was another one. */
      replaced?: string
      self: Participant
      /** Everyone in the room, the joiner included. */
      participants: Participant[]
      /** Removed on the way, because their lease had run out. */
      expired: string[]
      /** The room is on the SFU. */
      sfu: boolean
      /** It is since this very join: everybody else has to be told. */
      moved: boolean
    }

export type RoomLimits = {
  /** Seats at most. */
  total: number
  /** Seats with which the room is still a mesh; one more moves it to the SFU. */
  mesh: number
  /** The joiner knows the room to be on the SFU. */
  sfu?: boolean
}

/**
 * Who sits in which room. A seat lives by its lease: its replica renews it, a lost socket shortens
 * it to the grace period, and {@link RoomStore.sweep} removes what has run out. So a reconnection,
 * a closed laptop and a dead replica are one mechanism.
 *
 * Every method throws SignalingError `unavailable` when the store cannot be reached.
 */
export type RoomStore = {
  /** Takes a seat if there is room, counting and taking in one step. */
  join(key: RoomKey, seat: Seat, limits: RoomLimits): Promise<JoinOutcome>
  /** False when the session does not hold the seat (any more). */
  setMedia(key: RoomKey, id: string, session: string, media: MediaState): Promise<boolean>
  /** False when the session does not hold the seat (any more). */
  leave(key: RoomKey, id: string, session: string): Promise<boolean>
  /** The socket is gone; the seat stays for `graceMs`. False when another session has it. */
  detach(key: RoomKey, id: string, session: string, graceMs: number): Promise<boolean>
  has(key: RoomKey, id: string): Promise<boolean>
  /** Ids of all who have a seat; undefined while the store may not know of all of them. */
  seated(key: RoomKey): Promise<string[] | undefined>
  /** Seats that are taken, and whether the room is on the SFU; it is until its last seat goes. */
  occupancy(key: RoomKey): Promise<{ seats: number; sfu: boolean }>
  /** Removes seats whose lease has run out; the id of each is returned to exactly one caller. */
  sweep(key: RoomKey): Promise<string[]>
  /**
   * Extends the leases of seats that are held here. `restored` were missing (a store that lost its
   * data) and are back; `lost` are sessions whose seat another session has taken. `sfu`, as given,
   * restores that the room is on the SFU; as returned, it says so.
   */
  renew(
    key: RoomKey,
    seats: readonly Seat[],
    sfu: boolean,
  ): Promise<{ restored: string[]; lost: string[]; sfu: boolean }>
  /** Whether the last question was answered; asks nothing. */
  reachable(): boolean
  /** Asks whether the store can serve now. Never throws. */
  ready(): Promise<boolean>
  close(): Promise<void>
}

/** One name for a room, whatever its tenant: neither id may hold the dot. */
export function roomName(key: RoomKey): string {
  return `${key.tenant}.${key.room}`
}
