import type {
  ErrorCode,
  IceServer,
  JoinResponse,
  LinkReport,
  MediaState,
  Participant,
  RoomMedia,
  RoomSnapshot,
  Signal,
} from '@parley/protocol'

/**
 * Why a call cannot go on. `offline`: no answer at all from the server; `replaced`: the same
 * participant joined from another tab.
 */
export type SignalingErrorCode = ErrorCode | 'offline' | 'replaced'

/** What the server, or the way to it, refused. The message is the server's own. */
export class SignalingError extends Error {
  readonly code: SignalingErrorCode
  constructor(code: SignalingErrorCode, message: string) {
    super(message)
    this.name = 'SignalingError'
    this.code = code
  }
}

export type SignalingEvents = {
  onDisconnect(): void
  onJoined(participant: Participant): void
  onLeft(id: string): void
  onMedia(id: string, media: MediaState): void
  onSignal(from: string, signal: Signal): void
  onReplaced(): void
  /** The room is on the SFU now. */
  onMoved(): void
  /** The socket is another one, of another server; this is the room as that one has it. */
  onHandedOver(snapshot: RoomSnapshot): void
}

/** The way to the signaling server, as a call needs it. Every promise rejects with SignalingError. */
export type Signaling = {
  /** One try, or one more after a disconnect. */
  connect(): Promise<void>
  join(media: MediaState): Promise<RoomSnapshot>
  signal(to: string, signal: Signal): Promise<void>
  mediaState(media: MediaState): Promise<void>
  refreshTurn(): Promise<IceServer[]>
  refreshMedia(): Promise<RoomMedia>
  report(report: LinkReport): Promise<void>
  /** Tells the room, then closes. */
  leave(): void
  close(): void
}
  /** The SFU's server that had this room is gone: another one has it now. */
  onSfuLost(): void

export type OpenSignaling = (token: string, events: SignalingEvents) => Signaling
export type RequestJoin = (room: string, name: string) => Promise<JoinResponse>
