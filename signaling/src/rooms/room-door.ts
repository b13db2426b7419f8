import type { Knocker, Role } from '@parley/protocol'
import type { RoomKey } from './room-store.ts'

/** The account of who came by an invitation for one. */
export const accountOfInvite = (id: string) => `${inviteAccounts}${id}`
export const inviteAccounts = 'invite:'

/** What a room's door remembers of somebody, for as long as their token lives. */
export type Mark = 'admitted' | 'denied' | 'removed' | 'ended'

/** How somebody stands before the door: `open` is in. */
export type Standing = 'open' | 'waiting' | 'locked' | Exclude<Mark, 'admitted'>

/** Who waits before one door at most: more than a host could answer. */
export const lobbyPlaces = 100

/** Somebody who wants a seat. */
export type Comer = {
  id: string
  /** Of one person, whatever id they come with: their sign-in, or their own invitation. */
  account?: string | undefined
  /** Has to be let in, also where the room is not locked. */
  knocks: boolean
  /** A host or an admin: no lock holds them. */
  passes: boolean
}

/** Who has just been seated. `crowned`: they were host before the store forgot, and are again. */
export type Came = Pick<Comer, 'id' | 'account'> & { crowned?: boolean }

export type RoomState = {
  locked: boolean
  lobby: Knocker[]
  /** Of everybody with a seat, the crown included. */
  roles: ReadonlyMap<string, Role>
  /** Ids of those whose role is another one since this very call. */
  changed: string[]
  /** Ids of those who lost their seat to who came, by the same invitation: it is good for one person. */
  doubles: string[]
}

/**
 * Who may come into a room, who waits before it, and who rules it. A lock lasts until the room is empty; a place
 * in the lobby lives by a lease, as seats do.
 *
 * Every method throws SignalingError `unavailable` when the store cannot be reached.
 */
export type RoomDoor = {
  standing(key: RoomKey, comer: Comer): Promise<Standing>
  /**
   * Waits, or goes on waiting, where the door is not open. `first`: nobody knew. `full`: they do not wait, as there is
   * no place left; who waits already keeps theirs.
   */
  knock(
    key: RoomKey,
    comer: Comer,
    knocker: Knocker,
    session: string,
    places?: number,
  ): Promise<{ standing: Standing; first: boolean; full: boolean }>
  /** False where the session does not wait (any more). */
  withdraw(key: RoomKey, id: string, session: string): Promise<boolean>
  /** Lets in or denies whoever waits; false where nobody of that id does. */
  answer(key: RoomKey, id: string, admitted: boolean): Promise<boolean>
  /**
   * The room as it is, with a host where it needs one (access/crown.ts): to be asked when somebody has come or gone.
   *
   * @param least role of who may be host for want of one
   */
  settle(key: RoomKey, least: Role, came?: Came): Promise<RoomState>
  /** Only while somebody is in the room. @returns whether it is otherwise than before */
  setLocked(key: RoomKey, locked: boolean): Promise<boolean>
  /** Takes a seat away, for good; false where there is none. */
  remove(key: RoomKey, id: string): Promise<boolean>
  /** Takes all seats away, for good; whoever waits need not any more. */
  end(key: RoomKey): Promise<void>
  /** Marks of ids, and whether the room is locked; undefined: nobody is in it, as far as the store knows. */
  watch(
    key: RoomKey,
    ids: readonly string[],
  ): Promise<{ marks: ReadonlyMap<string, Mark>; locked: boolean | undefined }>
  /**
   * Uses what may be used once.
   * @param holder a secret of who uses it, who alone may again: for as long as marks last, so that nobody outlasts theirs
   * @returns false where another has used it before
   */
  spend(what: string, holder: string | undefined, untilMs: number): Promise<boolean>
}
