import type { MeshReason, Participant } from '@parley/protocol'
import { type RoomKey, type RoomWay, roomName } from '../rooms/room-store.ts'
import type { SfuDoor } from '../sfu-door.ts'
import { channel } from './channels.ts'
import { tellRecordingAnew } from './recording-news.ts'
import { notJoined, toError } from './refusals.ts'
import type { Tasks } from './tasks.ts'
import type { GatewayDeps, LocalSeat, MeetingSocket } from './types.ts'

/** The seats whose sockets are of this process, and their upkeep. */
export type LocalSeats = {
  /** @throws {SignalingError} `not-joined` */
  of(socket: MeetingSocket): LocalSeat
  find(session: string): LocalSeat | undefined
  all(): LocalSeat[]
  byRoom(): Map<string, LocalSeat[]>
  hold(seat: LocalSeat): void
  /** Forgets a seat that was given up. */
  release(session: string): void
  /** Ends a socket whose seat another one has taken, on whichever replica it is. */
  replace(session: string): void
  /** The socket is gone: the seat stays for the grace period. */
  detach(socket: MeetingSocket): Promise<void>
  /** After the grace period, when a seat of the room that has no socket may have run out. */
  sweepLater(key: RoomKey): void
  /** @param session of their own socket, which knows */
  announceJoined(key: RoomKey, participant: Participant, session?: string): void
  announceLeft(key: RoomKey, ids: readonly string[]): void
  /** The way of a room's media as the store has it, for seats of that room. */
  takeWay(here: readonly LocalSeat[], way: RoomWay): void
  /** Tells everybody that the room is a mesh again. */
  cameBack(key: RoomKey, reason: MeshReason): void
  /** Sees somebody out of the SFU's room, where the seat was on it. */
  dismiss(seat: Pick<LocalSeat, 'key' | 'sfu'> & { participant: Pick<Participant, 'id'> }): void
  /** @returns false where no seat could be renewed */
  renewAll(): Promise<boolean>
  /** Rooms by the share of their people who are here. */
  shares(): Promise<number>
}

/** @param onLeft somebody has left a room. Never rejects */
export function localSeats(
  deps: GatewayDeps,
  door: SfuDoor,
  tasks: Tasks,
  onLeft: (key: RoomKey) => Promise<void>,
): LocalSeats {
  const { io, rooms, graceMs, meshMax, meshReturnMs, log } = deps
  /** By socket id, which is the seat's session. */
  const seats = new Map<string, LocalSeat>()

  const byRoom = () => Map.groupBy(seats.values(), ({ key }) => roomName(key))

  function announceJoined(key: RoomKey, participant: Participant, session?: string) {
    const everybody = io.to(channel(key))
    const others = session === undefined ? everybody : everybody.except(session)
    others.emit('participant:joined', participant)
    const unsaid = (error: unknown) =>
      log.warn({ ...key, code: toError(error, log).code }, 'who has come may be told of once more')
    tasks.remember(rooms.introduced(key, participant.id).catch(unsaid))
  }

  function announceLeft(key: RoomKey, ids: readonly string[]) {
    if (ids.length === 0) return
    for (const id of ids) io.to(channel(key)).emit('participant:left', { id })
    tasks.remember(onLeft(key))
    // Where that is lost they are told twice, which is one time too many and no harm.
    const unsaid = (error: unknown) =>
      log.warn({ ...key, code: toError(error, log).code }, 'who has left is told of once more')
    tasks.remember(rooms.told(key, ids).catch(unsaid))
  }

  function replace(session: string) {
    seats.delete(session)
    const here = io.sockets.sockets.get(session)
    if (here) {
      here.emit('session:replaced')
      here.disconnect(true)
      return
    }
    io.to(session).emit('session:replaced')
    io.in(session).disconnectSockets(true)
  }

  async function detach(socket: MeetingSocket) {
    const seat = seats.get(socket.id)
    if (!seat) return
    seats.delete(socket.id)
    const { key, participant, session } = seat
    try {
      if (!(await rooms.detach(key, participant.id, session, graceMs))) return
      log.info({ ...key, participant: participant.id }, 'participant disconnected')
    } catch (error) {
      // The store is away: the lease runs out by itself, and whoever renews next sweeps it.
      log.warn(
        { ...key, participant: participant.id, code: toError(error, log).code },
        'seat not detached',
      )
    }
    sweepLater(key)
  }

  function sweepLater(key: RoomKey) {
    tasks.later(graceMs, () => void sweep(key))
  }

  async function sweep(key: RoomKey) {
    try {
      announceLeft(key, await rooms.sweep(key))
    } catch (error) {
      log.warn({ ...key, code: toError(error, log).code }, 'room not swept')
    }
  }

  /** A store without a memory of the room does not undo what the seats know: they restore it. */
  function takeWay(here: readonly LocalSeat[], { sfu, cameBack }: RoomWay) {
    for (const seat of here) {
      // On the SFU is who has a token for it, which `media:refresh` gives.
      seat.sfu = cameBack ? false : seat.sfu
      seat.cameBack = cameBack && !sfu
    }
  }

  function cameBack(key: RoomKey, reason: MeshReason) {
    log.info({ ...key, reason }, 'room came back from the SFU')
    takeWay(byRoom().get(roomName(key)) ?? [], { sfu: false, cameBack: true })
    io.to(channel(key)).emit('room:media', { mode: 'mesh', reason })
  }

  /** @returns whether it could be */
  async function renew(here: LocalSeat[]): Promise<boolean> {
    const key = here[0]?.key
    if (!key) return true
    let onSfu = false
    try {
      const known = here.some((seat) => seat.sfu)
      const small = { seats: meshMax - 1, forMs: meshReturnMs }
      const { restored, lost, moved, ...way } = await rooms.renew(key, here, known, small)
      onSfu = way.sfu
      if (moved) cameBack(key, 'small')
      // Whoever has missed it is told again.
      for (const seat of here) {
        if (way.sfu && !seat.sfu) io.local.to(seat.session).emit('room:media', { mode: 'sfu' })
        if (way.cameBack && seat.sfu)
          io.local.to(seat.session).emit('room:media', { mode: 'mesh', reason: 'small' })
      }
      takeWay(here, way)
      for (const id of restored) {
        const seat = here.find(({ participant }) => participant.id === id)
        if (seat) announceJoined(key, seat.participant, seat.session)
      }
      if (restored.length > 0) tasks.remember(tellRecordingAnew(deps, key))
      for (const session of lost) replace(session)
    } catch (error) {
      log.warn({ ...key, code: toError(error, log).code }, 'seats not renewed')
      for (const seat of here) seat.unsure = true
      return false
    }
    for (const seat of here) {
      seat.unsure = false
      seat.askedToMove = false
    }
    await sweep(key)
    if (onSfu)
      tasks.remember(
        door.look(
          key,
          here.map(({ participant }) => participant.id),
        ),
      )
    return true
  }

  async function shareOf(here: LocalSeat[]): Promise<number> {
    const key = here[0]?.key
    if (!key) return 0
    const { seats: everywhere } = await rooms.occupancy(key)
    return here.length / Math.max(here.length, everywhere)
  }

  return {
    of(socket) {
      const seat = seats.get(socket.id)
      if (!seat) throw notJoined()
      return seat
    },
    find: (session) => seats.get(session),
    all: () => [...seats.values()],
    byRoom,
    hold: (seat) => void seats.set(seat.session, seat),
    release: (session) => void seats.delete(session),
    replace,
    detach,
    sweepLater,
    announceJoined,
    announceLeft,
    takeWay,
    cameBack,
    dismiss({ key, participant, sfu }) {
      if (sfu) tasks.remember(door.dismiss(key, participant.id))
    },
    async renewAll() {
      const here = byRoom()
      door.keep(new Set(here.keys()))
      const renewed = await Promise.all([...here.values()].map(renew))
      return renewed.length === 0 || renewed.includes(true)
    },
    async shares() {
      const shares = await Promise.all([...byRoom().values()].map(shareOf))
      return shares.reduce((sum, share) => sum + share, 0)
    },
  }
}
