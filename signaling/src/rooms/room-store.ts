import type { MediaState, Participant, RecordingState } from '@parley/protocol'
import type { ChatHistory } from './chat-history.ts'
import type { Recordings } from './recordings.ts'
import type { RoomDoor } from './room-door.ts'

export type RoomKey = { tenant: string; room: string }

/**
 * A participant's place in a room. `session` is the socket that holds it: only its holder may
 * change or give up the seat, so a socket that was replaced cannot undo what its successor did.
 */
export type Seat = {
  participant: Participant
  session: string
  /** The answer to its last renewal was lost, so it may have been restored with nobody knowing. */
  unsure?: boolean
}

export type JoinOutcome =
  | { kind: 'full'; expired: string[] }
  /** A recording runs, and the joiner has not said yes to it. */
  | { kind: 'recorded'; expired: string[] }
  | ({
      kind: 'joined'
      /**
       * The participant had this seat already, and the others know: a reconnection, of which they hear nothing. Who was
       * not {@link RoomStore.introduced} is new, also where they have the seat: the answer that gave it was lost.
       */
      returned: boolean
      /** The socket that held the seat before, where it was another one. */
      replaced?: string
      self: Participant
      /** Everyone in the room, the joiner included. */
      participants: Participant[]
      /** Removed on the way, because their lease had run out. */
      expired: string[]
      /** The room is on the SFU since this very join: everybody else has to be told. */
      moved: boolean
      recording: Pick<RecordingState, 'at' | 'recording'>
    } & RoomWay)

export type RoomLimits = {
  /** Seats at most. */
  total: number
  /** Seats with which the room is still a mesh; one more moves it to the SFU. */
  mesh: number
  /** The joiner knows the room to be on the SFU; which counts where the store has forgotten it. */
  sfu?: boolean
  /** The joiner says yes to a recording that runs. */
  agrees?: boolean
}

/** How a room's media goes. */
export type RoomWay = {
  /** Over the SFU. */
  sfu: boolean
  /** It came back from the SFU: who says that it is there is behind the times. */
  cameBack: boolean
}

/** A room on the SFU that has had no more than `seats`, and no newcomer, for `forMs` is a mesh again. */
export type SmallRoom = { seats: number; forMs: number }

/**
 * Who sits in which room. A seat lives by its lease: its replica renews it, a lost socket shortens
 * it to the grace period, and {@link RoomStore.sweep} removes what has run out. So a reconnection,
 * a closed laptop and a dead replica are one mechanism.
 *
 * Every method throws SignalingError `unavailable` when the store cannot be reached.
 */
export type RoomStore = {
  chat: ChatHistory
  door: RoomDoor
  recordings: Recordings
  /** Takes a seat if there is room, counting and taking in one step. */
  join(key: RoomKey, seat: Seat, limits: RoomLimits): Promise<JoinOutcome>
  /** False when the session does not hold the seat (any more). */
  setMedia(key: RoomKey, id: string, session: string, media: MediaState): Promise<boolean>
  /**
   * Raises a hand, which keeps its place where it is up already, or lowers it.
   *
   * @param session of the seat's holder; undefined: somebody else does it
   * @returns since when it is up (epoch ms), null: it is down; undefined where there is no such seat
   */
  setHand(
    key: RoomKey,
    id: string,
    session: string | undefined,
    raised: boolean,
  ): Promise<{ at: number | null } | undefined>
  /** False when the session does not hold the seat (any more). */
  leave(key: RoomKey, id: string, session: string): Promise<boolean>
  /** The socket is gone; the seat stays for `graceMs`. False when another session has it. */
  detach(key: RoomKey, id: string, session: string, graceMs: number): Promise<boolean>
  has(key: RoomKey, id: string): Promise<boolean>
  /** Ids of all who have a seat; undefined while the store may not know of all of them. */
  seated(key: RoomKey): Promise<string[] | undefined>
  /** Seats that are taken, and the way of the room's media. */
  occupancy(key: RoomKey): Promise<{ seats: number } & RoomWay>
  /**
   * Removes seats whose lease has run out; the id of each is returned to exactly one caller. Who has left, in whatever
   * way, and was not {@link told} of within some seconds is returned once more: an answer was lost, or a replica.
   */
  sweep(key: RoomKey): Promise<string[]>
  /** Those who are there know that this one has come. */
  introduced(key: RoomKey, id: string): Promise<void>
  /** Those who are there know that these have left. */
  told(key: RoomKey, ids: readonly string[]): Promise<void>
  /**
   * Extends the leases of seats that are held here. `restored` were missing (a store that lost its
   * data) and are back, or were so at a renewal whose answer was lost; `lost` are sessions whose seat another session has taken. `sfu`, as given,
   * restores that the room is on the SFU, unless it has come back from there. A room that has been
   * small for long enough comes back by this very call, of one caller only: `moved`.
   */
  renew(
    key: RoomKey,
    seats: readonly Seat[],
    sfu: boolean,
    small: SmallRoom,
  ): Promise<{ restored: string[]; lost: string[]; moved: boolean } & RoomWay>
  /**
   * Takes a room of `seats` or fewer back from the SFU at once.
   * @returns whether it was there, and is not any more since this very call
   */
  leaveSfu(key: RoomKey, seats: number): Promise<boolean>
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
