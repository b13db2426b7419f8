import type { Participant } from '@parley/protocol'
import { memoryChat } from './chat-history.ts'
import { type DoorSeat, memoryDoor } from './memory-door.ts'
import { memoryRecordings } from './recordings.ts'
import { type RoomStore, roomName, type Seat } from './room-store.ts'

type Held = Seat & DoorSeat & { expiresAt: number }

/**
 * Rooms of one process. Attached seats need no lease: they end with the process that holds them.
 *
 * @param times of the door: how long it remembers somebody, and waits for who does not knock again
 */
export function memoryRoomStore(
  now: () => number,
  times: { markMs: number; leaseMs: number },
): RoomStore {
  const rooms = new Map<string, Map<string, Held>>()
  const chat = memoryChat(now)
  /** Of rooms that are on the SFU, since when they could be a mesh again. */
  const onSfu = new Map<string, number | undefined>()
  /** Came back from the SFU. */
  const back = new Set<string>()
  const locked = new Set<string>()
  const recordings = memoryRecordings((room) => [...(rooms.get(room)?.keys() ?? [])], now, roomName)

  const removeExpired = (room: string, except?: string): string[] => {
    const seats = rooms.get(room)
    const expired = [...(seats ?? [])]
      .filter(([id, seat]) => seat.expiresAt <= now() && id !== except)
      .map(([id]) => id)
    for (const id of expired) remove(room, id)
    return expired
  }
  const remove = (room: string, id: string) => {
    const seats = rooms.get(room)
    seats?.delete(id)
    recordings.dropped(room, id)
    if (seats?.size !== 0) return
    recordings.emptied(room)
    rooms.delete(room)
    // Whoever a lock kept out may come in now, and what was said was not for them.
    if (locked.has(room)) chat.forget(room)
    else chat.emptied(room)
    onSfu.delete(room)
    back.delete(room)
    locked.delete(room)
  }
  const toMesh = (room: string) => {
    onSfu.delete(room)
    back.add(room)
  }
  const wayOf = (room: string) => ({ sfu: onSfu.has(room), cameBack: back.has(room) })
  const heldBy = (room: string, id: string, session: string): Held | undefined => {
    const seat = rooms.get(room)?.get(id)
    return seat?.session === session ? seat : undefined
  }

  return {
    chat,
    recordings,
    door: memoryDoor(
      { seats: (room) => rooms.get(room), drop: remove, locked, forget: chat.forget },
      now,
      times,
    ),
    async join(key, { participant, session }, limits) {
      const room = roomName(key)
      const expired = removeExpired(room, participant.id)
      const seats = rooms.get(room) ?? new Map<string, Held>()
      const before = seats.get(participant.id)
      if (!before && seats.size >= limits.total) return { kind: 'full', expired }
      const runs = !before && recordings.runs(room)
      if (runs && !limits.agrees) return { kind: 'recorded', expired }
      if (runs) recordings.agree(room, participant.id)
      const self: Participant = {
        ...(before?.participant ?? participant),
        media: participant.media,
      }
      seats.set(self.id, {
        ...before,
        participant: self,
        session,
        expiresAt: Number.POSITIVE_INFINITY,
      })
      rooms.set(room, seats)
      chat.occupied(room)
      const told = limits.sfu === true && !back.has(room)
      const moved = !onSfu.has(room) && (seats.size > limits.mesh || told)
      if (moved) back.delete(room)
      // Whoever is new keeps the room where it is for a while.
      if (moved || (!before && onSfu.has(room))) onSfu.set(room, undefined)
      return {
        kind: 'joined',
        returned: before !== undefined,
        ...(before && before.session !== session && { replaced: before.session }),
        self,
        participants: [...seats.values()].map((seat) => seat.participant),
        expired,
        ...wayOf(room),
        moved,
        recording: recordings.state(room),
      }
    },
    async setMedia(key, id, session, media) {
      const seat = heldBy(roomName(key), id, session)
      if (seat) seat.participant = { ...seat.participant, media }
      return seat !== undefined
    },
    async setHand(key, id, session, raised) {
      const seat = rooms.get(roomName(key))?.get(id)
      if (!seat || (session !== undefined && seat.session !== session)) return undefined
      const { handAt, ...rest } = seat.participant
      const at = raised ? (handAt ?? now()) : null
      seat.participant = at === null ? rest : { ...rest, handAt: at }
      return { at }
    },
    async leave(key, id, session) {
      const seat = heldBy(roomName(key), id, session)
      if (seat) remove(roomName(key), id)
      return seat !== undefined
    },
    async detach(key, id, session, graceMs) {
      const seat = heldBy(roomName(key), id, session)
      if (seat) seat.expiresAt = now() + graceMs
      return seat !== undefined
    },
    async has(key, id) {
      return rooms.get(roomName(key))?.has(id) ?? false
    },
    async seated(key) {
      return [...(rooms.get(roomName(key))?.keys() ?? [])]
    },
    async occupancy(key) {
      const seats = [...(rooms.get(roomName(key))?.values() ?? [])]
      return {
        seats: seats.filter((seat) => seat.expiresAt > now()).length,
        ...wayOf(roomName(key)),
      }
    },
    async sweep(key) {
      return removeExpired(roomName(key))
    },
    // No answer is lost here.
    async introduced() {},
    async told() {},
    async renew(key, _seats, _sfu, small) {
      const room = roomName(key)
      const since = onSfu.get(room) ?? now()
      const isSmall = onSfu.has(room) && (rooms.get(room)?.size ?? 0) <= small.seats
      const moved = isSmall && now() - since >= small.forMs
      if (moved) toMesh(room)
      else if (onSfu.has(room)) onSfu.set(room, isSmall ? since : undefined)
      return { restored: [], lost: [], moved, ...wayOf(room) }
    },
    async leaveSfu(key, seats) {
      const room = roomName(key)
      const leaves = onSfu.has(room) && (rooms.get(room)?.size ?? 0) <= seats
      if (leaves) toMesh(room)
      return leaves
    },
    reachable: () => true,
    async ready() {
      return true
    },
    async close() {
      rooms.clear()
    },
  }
}
