import type { IncomingMessage } from 'node:http'
import type { Ack, ClientToServerEvents, RoomMedia, ServerToClientEvents } from '@parley/protocol'
import type { Logger } from 'pino'
import type { DefaultEventsMap, Server, Socket } from 'socket.io'
import type { z } from 'zod'
import type { AccessPolicy } from '../access/policy.ts'
import type { Clock } from '../clock.ts'
import type { JoinClaims } from '../join-token.ts'
import type { Metrics } from '../metrics.ts'
import type { RateLimit } from '../rate-limit.ts'
import type { LinkReports } from '../reasons/link-reports.ts'
import type { RoomKey, RoomStore, Seat } from '../rooms/room-store.ts'
import type { SfuAccess } from '../sfu.ts'
import type { TurnAccess } from '../turn.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { LocalSeats } from './seats.ts'

type SocketData = { claims: JoinClaims }
export type MeetingServer = Server<
  ClientToServerEvents,
  ServerToClientEvents,
  DefaultEventsMap,
  SocketData
>
export type MeetingSocket = Socket<
  ClientToServerEvents,
  ServerToClientEvents,
  DefaultEventsMap,
  SocketData
>

export type GatewayDeps = {
  io: MeetingServer
  rooms: RoomStore
  /** There are no other replicas. */
  alone: boolean
  turn: TurnAccess
  sfu: SfuAccess
  linkReports: LinkReports
  limit: RateLimit
  metrics: () => Metrics
  clock: Clock
  log: Logger
  /** By what sockets of one client are counted. */
  addressOf(request: IncomingMessage): string
  /** Of sockets that are opened. */
  connections: { ofAddress: RateLimit; ofUser: RateLimit }
  /** @throws {SignalingError} `unauthenticated` */
  verifyToken(token: unknown): Promise<JoinClaims>
  signToken(claims: JoinClaims): Promise<string>
  access: AccessPolicy
  /** The default tenant. */
  tenant: string
  meshMax: number
  /** A room on the SFU that has been small for so long is a mesh again. */
  meshReturnMs: number
  /** Seats of a room on the SFU. */
  roomMax: number
  graceMs: number
  /** How long a seat lives that its replica does not renew. */
  leaseMs: number
  /** How long somebody may be on the SFU without a seat: a signaling that restarts ends no call. */
  absentMs: number
  /** 0 ≤ random() < 1 */
  random: () => number
}

/** What a seat of this process needs to be announced, renewed and given up. */
export type LocalSeat = Seat & {
  key: RoomKey
  socket: MeetingSocket
  /** The client has been given a token for the SFU. */
  sfu: boolean
  /** The room came back from the SFU. */
  cameBack: boolean
  /** They are host for want of another. */
  crowned?: boolean
  /** The client has been asked to move, as its seat could not be renewed. */
  askedToMove?: boolean
}

/** What the handlers of all features share. */
export type Meetings = {
  deps: GatewayDeps
  seats: LocalSeats
  doorkeeper: Doorkeeper
  /**
   * @returns whether the participant's socket is of this replica
   * @throws {SignalingError} `not-found` where nobody of that id is in the room
   */
  findHere(key: RoomKey, id: string): Promise<boolean>
  /** Says it to one participant, wherever their socket is. */
  tell(key: RoomKey, id: string): ReturnType<MeetingServer['to']>
  /** Sees somebody out of the SFU's room. */
  dismiss(key: RoomKey, id: string): void
  /** The media of a seat, with a new token where it is on the SFU. */
  mediaOf(seat: LocalSeat): Promise<RoomMedia>
  /** The token that takes the seat again. */
  resumeToken(seat: LocalSeat): Promise<string>
}

type Answer<E extends keyof ClientToServerEvents> =
  Parameters<Parameters<ClientToServerEvents[E]>[1]>[0] extends Ack<infer T> ? T : never

/**
 * A feature's part of the protocol: for each of its events the shape of the message, and what it does.
 * One file under handlers/ for each feature.
 */
export type Handlers<E extends keyof ClientToServerEvents = keyof ClientToServerEvents> = {
  [Event in E]: {
    schema: z.ZodType<Parameters<ClientToServerEvents[Event]>[0]>
    /** @throws {SignalingError} which is the acknowledgement then */
    handle(
      socket: MeetingSocket,
      message: Parameters<ClientToServerEvents[Event]>[0],
    ): Promise<Answer<Event>>
  }
}
