import type { RoomSnapshot } from '@parley/protocol'
import type { Ask, RoomEvent } from '../connection/Signaling.ts'

/** Follows a room beside its media: chat, hands, who may do what. */
export type RoomFollower = {
  /** The room as it is now: on joining, and anew after each reconnection. */
  entered(room: RoomSnapshot, ask: Ask): void
  /** The socket is lost: what is asked now has no answer. */
  away(): void
  heard(event: RoomEvent): void
  /** The person has left, or a host has ended the stay. */
  left(): void
}
