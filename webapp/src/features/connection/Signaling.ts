import type {
  Ack,
  ClientToServerEvents,
  ErrorCode,
  IceServer,
  JoinResponse,
  LinkReport,
  MediaState,
  Participant,
  RoomMedia,
  RoomSnapshot,
  ServerToClientEvents,
  Signal,
} from '@parley/protocol'

/**
 * Why a call cannot go on. `offline`: no answer at all from the server; `replaced`: the same
 * participant joined from another tab; `sign-in-refused`: the server does not take what the identity
 * provider has just said.
 */
export type SignalingErrorCode = ErrorCode | 'offline' | 'replaced' | 'sign-in-refused'

/** What the server, or the way to it, refused. The message is the server's own. */
export class SignalingError extends Error {
  readonly code: SignalingErrorCode
  constructor(code: SignalingErrorCode, message: string) {
    super(message)
    this.name = 'SignalingError'
    this.code = code
  }
}

export type MessageOf<E extends keyof ClientToServerEvents> = Parameters<ClientToServerEvents[E]>[0]
export type AnswerOf<E extends keyof ClientToServerEvents> =
  Parameters<Parameters<ClientToServerEvents[E]>[1]>[0] extends Ack<infer T> ? T : never

/** A message of the protocol and its answer. Rejects with {@link SignalingError}. */
export type Ask = <E extends keyof ClientToServerEvents>(
  event: E,
  message: MessageOf<E>,
) => Promise<AnswerOf<E>>

/** What the server tells, by its name in the protocol. */
export type RoomEvent = {
  [E in keyof ServerToClientEvents]: { name: E; message: Parameters<ServerToClientEvents[E]>[0] }
}[keyof ServerToClientEvents]

/** What `room:media` says. */
export type RoomMove = Parameters<ServerToClientEvents['room:media']>[0]

export type SignalingEvents = {
  onDisconnect(): void
  onJoined(participant: Participant): void
  onLeft(id: string): void
  onMedia(id: string, media: MediaState): void
  onSignal(from: string, signal: Signal): void
  onReplaced(): void
  /** The room's media has another way now. */
  onMoved(way: RoomMove): void
  /** The SFU's server that had this room is gone: another one has it now. */
  onSfuLost(): void
  /** The socket is another one, of another server; this is the room as that one has it. */
  onHandedOver(snapshot: RoomSnapshot): void
  /** A host lets this one in, who was told to wait: to be joined again. */
  onAdmitted(): void
  /** A host did not let this one in, removed it, or ended the meeting for all. */
  onTurnedAway(code: 'denied' | 'removed' | 'ended'): void
  /** Every event, those above included, once they were told. */
  onEvent(event: RoomEvent): void
}

/** The way to the signaling server, as a call needs it. Every promise rejects with SignalingError. */
export type Signaling = {
  /** One try, or one more after a disconnect. */
  connect(): Promise<void>
  /** Gives the present socket up, which does not answer. Told of nobody; {@link connect} makes a new one. */
  drop(): void
  join(media: MediaState): Promise<RoomSnapshot>
  signal(to: string, signal: Signal): Promise<void>
  mediaState(media: MediaState): Promise<void>
  refreshTurn(): Promise<IceServer[]>
  refreshMedia(): Promise<RoomMedia>
  /** The SFU cannot be reached from here. @returns the room's media as they are then */
  mediaUnreachable(): Promise<RoomMedia>
  report(report: LinkReport): Promise<void>
  /** Whatever else the protocol has. */
  ask: Ask
  /** Tells the room, then closes. */
  leave(): void
  close(): void
}

export type OpenSignaling = (token: string, events: SignalingEvents) => Signaling
/** @returns also the server's time, where it is known: credentials expire by it */
export type RequestJoin = (
  room: string,
  name: string,
) => Promise<JoinResponse & { serverEpochMs?: number }>
