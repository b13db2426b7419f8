import type { Knocker, Role } from '@parley/protocol'
import { crownOf, type Seated } from '../access/crown.ts'
import {
  type Comer,
  inviteAccounts,
  lobbyPlaces,
  type Mark,
  type RoomDoor,
  type Standing,
} from './room-door.ts'
import { type RoomKey, roomName } from './room-store.ts'

/** Between looks for rooms that nobody asks for any more. */
const tidyMs = 60_000

/** What the door keeps of a seat. */
export type DoorSeat = { account?: string | undefined; crowned?: boolean }

type Waiting = { knocker: Knocker; session: string; until: number }
type Marked = { mark: Mark; until: number }
type Doors = {
  marks: Map<string, Marked>
  lobby: Map<string, Waiting>
}

/** The seats of a process' rooms, as their door sees them. */
type DoorRooms = {
  /** By id; undefined where the room is empty. */
  seats(
    room: string,
  ): Map<string, DoorSeat & { participant: Pick<Seated, 'id' | 'role' | 'joinedAt'> }> | undefined
  drop(room: string, id: string): void
  /** What was said in it. */
  forget(room: string): void
  locked: Set<string>
}

/** @param times how long marks last, and a place in the lobby that is not renewed */
export function memoryDoor(
  rooms: DoorRooms,
  now: () => number,
  times: { markMs: number; leaseMs: number },
): RoomDoor {
  const doors = new Map<string, Doors>()
  const spent = new Map<string, { holder: string | undefined; again: number; until: number }>()

  let tidiedAt = now()

  const tidy = (name: string, { marks, lobby }: Doors) => {
    for (const [who, { until }] of marks) if (until <= now()) marks.delete(who)
    for (const [who, { until }] of lobby) if (until <= now()) lobby.delete(who)
    if (marks.size + lobby.size === 0) doors.delete(name)
  }
  /** Without what has run out. */
  const doorOf = (key: RoomKey): Doors => {
    if (now() - tidiedAt >= tidyMs) {
      tidiedAt = now()
      for (const [name, door] of doors) tidy(name, door)
    }
    const name = roomName(key)
    const door = doors.get(name) ?? { marks: new Map(), lobby: new Map() }
    tidy(name, door)
    doors.set(name, door)
    return door
  }
  const mark = (door: Doors, who: string, mark: Mark) =>
    door.marks.set(who, { mark, until: now() + times.markMs })
  const accountMark = (account: string) => `a:${account}`

  const standing = (key: RoomKey, comer: Comer): Standing => {
    const { marks } = doorOf(key)
    const ofAccount =
      comer.account === undefined ? undefined : marks.get(accountMark(comer.account))
    // Who was removed does not come back as whom a host had let in before.
    const marked = (ofAccount ?? marks.get(comer.id))?.mark
    if (marked !== undefined && marked !== 'admitted') return marked
    if (comer.passes || marked === 'admitted') return 'open'
    if (rooms.seats(roomName(key))?.has(comer.id)) return 'open'
    if (rooms.locked.has(roomName(key))) return 'locked'
    return comer.knocks ? 'waiting' : 'open'
  }

  return {
    standing: async (key, comer) => standing(key, comer),
    async knock(key, comer, knocker, session, places = lobbyPlaces) {
      const is = standing(key, comer)
      if (is !== 'waiting' && is !== 'locked') return { standing: is, first: false, full: false }
      const { lobby } = doorOf(key)
      const before = lobby.get(comer.id)
      if (!before && lobby.size >= places) return { standing: is, first: false, full: true }
      lobby.set(comer.id, {
        knocker: before?.knocker ?? knocker,
        session,
        until: now() + times.leaseMs,
      })
      return { standing: is, first: before === undefined, full: false }
    },
    async withdraw(key, id, session) {
      const { lobby } = doorOf(key)
      return lobby.get(id)?.session === session && lobby.delete(id)
    },
    async answer(key, id, admitted) {
      const door = doorOf(key)
      if (!door.lobby.delete(id)) return false
      mark(door, id, admitted ? 'admitted' : 'denied')
      return true
    },
    async settle(key, least, came) {
      const room = roomName(key)
      const seats = rooms.seats(room) ?? new Map()
      const arrived = came && seats.get(came.id)
      if (arrived) arrived.account = came.account
      const doubles = arrived?.account?.startsWith(inviteAccounts)
        ? [...seats].flatMap(([id, { account }]) =>
            account === arrived.account && id !== came?.id ? [id] : [],
          )
        : []
      for (const id of doubles) rooms.drop(room, id)
      const seated: Seated[] = [...seats.values()].map(({ participant, crowned = false }) => ({
        id: participant.id,
        role: participant.role,
        joinedAt: participant.joinedAt,
        crowned,
      }))
      const heir = crownOf(seated, least)
      // Whoever was found for want of them meanwhile is not host any more.
      const crown = heir !== undefined && arrived && came.crowned ? came.id : heir
      const changed = seated.filter(({ id, crowned }) => crowned !== (id === crown))
      for (const { id } of changed) {
        const seat = seats.get(id)
        if (seat) seat.crowned = id === crown
      }
      const lobby = [...doorOf(key).lobby.values()].map(({ knocker }) => knocker)
      return {
        locked: rooms.locked.has(room),
        lobby: lobby.toSorted((a, b) => a.since - b.since),
        roles: new Map(
          seated.map(({ id, role }): [string, Role] => [id, id === crown ? 'host' : role]),
        ),
        changed: changed.map(({ id }) => id),
        doubles,
      }
    },
    async setLocked(key, locked) {
      const room = roomName(key)
      if (!rooms.seats(room) || rooms.locked.has(room) === locked) return false
      if (locked) rooms.locked.add(room)
      else rooms.locked.delete(room)
      return true
    },
    async remove(key, id) {
      const room = roomName(key)
      const seat = rooms.seats(room)?.get(id)
      if (!seat) return false
      const door = doorOf(key)
      mark(door, id, 'removed')
      if (seat.account !== undefined) mark(door, accountMark(seat.account), 'removed')
      rooms.drop(room, id)
      return true
    },
    async end(key) {
      const room = roomName(key)
      const door = doorOf(key)
      for (const id of [...(rooms.seats(room)?.keys() ?? [])]) {
        mark(door, id, 'ended')
        rooms.drop(room, id)
      }
      for (const id of door.lobby.keys()) mark(door, id, 'ended')
      door.lobby.clear()
      rooms.forget(room)
    },
    async watch(key, ids) {
      const { marks } = doorOf(key)
      const found = ids.flatMap((id): [string, Mark][] => {
        const marked = marks.get(id)
        return marked ? [[id, marked.mark]] : []
      })
      const room = roomName(key)
      return {
        marks: new Map(found),
        locked: rooms.seats(room) ? rooms.locked.has(room) : undefined,
      }
    },
    async spend(what, holder, untilMs) {
      for (const [other, { until }] of spent) if (until <= now()) spent.delete(other)
      const used = spent.get(what)
      if (used) return holder !== undefined && used.holder === holder && now() < used.again
      spent.set(what, { holder, again: now() + times.markMs, until: untilMs })
      return true
    },
  }
}
