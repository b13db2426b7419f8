import type { Participant } from '@parley/protocol'
import { type RoomStore, roomName, type Seat } from './room-store.ts'

type Held = Seat & { expiresAt: number }

/** Rooms of one process. Attached seats need no lease: they end with the process that holds them. */
export function memoryRoomStore(now: () => number): RoomStore {
  const rooms = new Map<string, Map<string, Held>>()
  const onSfu = new Set<string>()

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
    if (seats?.size !== 0) return
    rooms.delete(room)
    onSfu.delete(room)
  }
  const heldBy = (room: string, id: string, session: string): Held | undefined => {
    const seat = rooms.get(room)?.get(id)
    return seat?.session === session ? seat : undefined
  }

  return {
    async join(key, { participant, session }, limits) {
      const room = roomName(key)
      const expired = removeExpired(room, participant.id)
      const seats = rooms.get(room) ?? new Map<string, Held>()
      const before = seats.get(participant.id)
      if (!before && seats.size >= limits.total) return { kind: 'full', expired }
      const self: Participant = {
        ...(before?.participant ?? participant),
        media: participant.media,
      }
      seats.set(self.id, { participant: self, session, expiresAt: Number.POSITIVE_INFINITY })
      rooms.set(room, seats)
      const moved = !onSfu.has(room) && (seats.size > limits.mesh || limits.sfu === true)
      if (moved) onSfu.add(room)
      return {
        kind: 'joined',
        returned: before !== undefined,
        ...(before && before.session !== session && { replaced: before.session }),
        self,
        participants: [...seats.values()].map((seat) => seat.participant),
        expired,
        sfu: onSfu.has(room),
        moved,
      }
    },
    async setMedia(key, id, session, media) {
      const seat = heldBy(roomName(key), id, session)
      if (seat) seat.participant = { ...seat.participant, media }
      return seat !== undefined
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
        sfu: onSfu.has(roomName(key)),
      }
    },
    async sweep(key) {
      return removeExpired(roomName(key))
    },
    async renew(key) {
      return { restored: [], lost: [], sfu: onSfu.has(roomName(key)) }
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
