import { SignalingError } from '../errors.ts'
import type { JoinClaims } from '../join-token.ts'
import { liveKitRoom } from '../livekit-rooms.ts'
import { type RoomKey, roomName } from '../rooms/room-store.ts'
import { sfuDoor } from '../sfu-door.ts'
import { peerChannel } from './channels.ts'
import { dispatcher } from './dispatch.ts'
import { doorkeeperOf } from './doorkeeper.ts'
import { earlySeats } from './early-seat.ts'
import { linkHandlers } from './handlers/links.ts'
import { lobbyHandlers } from './handlers/lobby.ts'
import { mediaHandlers } from './handlers/media.ts'
import { moderationHandlers } from './handlers/moderation.ts'
import { recordingHandlers } from './handlers/recording.ts'
import { roomHandlers } from './handlers/room.ts'
import { signalHandlers } from './handlers/signal.ts'
import { socialHandlers } from './handlers/social.ts'
import { moving } from './moving.ts'
import { lookAfterRecording } from './recording-news.ts'
import { handshakeError } from './refusals.ts'
import { localSeats } from './seats.ts'
import { tasksOf } from './tasks.ts'
import type { GatewayDeps, MeetingSocket, Meetings } from './types.ts'

export type Gateway = {
  /**
   * Takes a seat on the SFU, for a socket that is still to come.
   * @returns the token for the SFU; undefined where `room:join` has to say what holds. Never rejects
   */
  takeSeat(claims: JoinClaims): Promise<string | undefined>
  /** Participants whose sockets are here, by room. */
  participantsByRoom(): Map<string, number>
  /** Sockets that are connected here. */
  sockets(): number
  /** Rooms on the SFU that have people here, by the name that LiveKit knows them by. */
  sfuRooms(): string[]
  /**
   * Rooms by the share of their people who are here: over all replicas they sum to the rooms there are.
   * @throws {SignalingError} `unavailable`
   */
  roomShares(): Promise<number>
  /**
   * Renews the seats held here at once, and tells rooms of what came back or went. A replica that could not
   * for so long that its seats are about to run out asks its clients to move to another one, which may reach
   * the store: they keep their socket here until one has taken them, so an outage for all ends nothing.
   * @returns false where no seat could be renewed
   */
  heartbeat(): Promise<boolean>
  /**
   * Asks every client to move to another replica, one after the other over `spreadMs`.
   * Resolves when all are gone, or after `deadlineMs`.
   */
  handOver(spreadMs: number, deadlineMs: number): Promise<void>
  /** Settles what sockets that are gone have left to do. To be called after they are closed. */
  drain(): Promise<void>
}

/** Serves meetings over Socket.IO: admission, seats, and what is said between those who have one. */
export function serveMeetings(deps: GatewayDeps): Gateway {
  const { io, rooms, clock, log } = deps
  const tasks = tasksOf(clock)
  const door = sfuDoor({ sfu: deps.sfu, rooms, absentMs: deps.absentMs, now: clock.now, log })
  const seats = localSeats(deps, door, tasks, async (key) => {
    await doorkeeper.crown(key)
    await lookAfterRecording(deps, key)
  })
  const doorkeeper = doorkeeperOf(deps, seats)

  const meetings: Meetings = {
    deps,
    seats,
    doorkeeper,
    async findHere(key, id) {
      if (io.sockets.adapter.rooms.has(peerChannel(key, id))) return true
      if (await rooms.has(key, id)) return false
      throw new SignalingError('not-found', 'that participant is not in the room')
    },
    tell: (key, id) => io.to(peerChannel(key, id)),
    dismiss: (key, id) => tasks.remember(door.dismiss(key, id)),
    async mediaOf({ key, participant, sfu, cameBack }) {
      if (!sfu) return cameBack ? { mode: 'mesh', cameBack } : { mode: 'mesh' }
      await door.seenOut(key, participant.id)
      return deps.sfu.media({ ...key, participant: participant.id, name: participant.name })
    },
    resumeToken({ key, participant: { id, name, role }, sfu, crowned, socket }) {
      const { account } = socket.data.claims
      const seat = { ...key, participant: id, name, role, account }
      return deps.signToken({ ...seat, sfu: sfu || undefined, crowned: crowned || undefined })
    },
  }
  const serve = dispatcher(
    deps,
    {
      ...roomHandlers(meetings),
      ...signalHandlers(meetings),
      ...mediaHandlers(meetings),
      ...linkHandlers(meetings),
      ...lobbyHandlers(meetings),
      ...moderationHandlers(meetings),
      ...socialHandlers(meetings),
      ...recordingHandlers(meetings),
    },
    tasks,
  )
  const { beat, handOver } = moving(meetings, tasks)

  async function authenticate(socket: MeetingSocket) {
    await deps.connections.ofAddress.take(deps.addressOf(socket.request))
    const claims = await deps.verifyToken(socket.handshake.auth.token)
    await deps.connections.ofUser.take(claims.participant)
    socket.data.claims = claims
  }
  io.use((socket, next) => {
    authenticate(socket).then(
      () => next(),
      (error) => next(handshakeError(error, log)),
    )
  })
  io.on('connection', (socket) =>
    serve(socket, async () => {
      await doorkeeper.gone(socket)
      await seats.detach(socket)
    }),
  )

  /** The room's id; that of another tenant than the default one with its tenant before it. */
  function label(key: RoomKey | undefined): string {
    if (!key) return ''
    return key.tenant === deps.tenant ? key.room : roomName(key)
  }

  return {
    takeSeat: earlySeats(deps, seats, (...who) => tasks.remember(doorkeeper.crown(...who))),
    sockets: () => io.sockets.sockets.size,
    participantsByRoom: () =>
      new Map([...seats.byRoom().values()].map((here) => [label(here[0]?.key), here.length])),
    roomShares: seats.shares,
    sfuRooms: () => [
      ...new Set(seats.all().flatMap(({ sfu, key }) => (sfu ? [liveKitRoom(key)] : []))),
    ],
    async heartbeat() {
      const renewed = await doorkeeper.round(seats.renewAll)
      beat(renewed)
      return renewed
    },
    handOver,
    drain: tasks.drain,
  }
}
