import { type RoomKey, roomName } from '../rooms/room-store.ts'
import type { MeetingSocket } from './types.ts'

/** Socket.IO's room of everybody with a seat. */
export function channel(key: RoomKey): string {
  return channelOf(roomName(key))
}

/** {@link channel} of a room that is known by its name. */
export function channelOf(name: string): string {
  return `room:${name}`
}

/** Socket.IO's room of one participant's socket, whichever that is. */
export function peerChannel(key: RoomKey, id: string): string {
  return `peer:${roomName(key)}.${id}`
}

export async function leaveChannels(socket: MeetingSocket, key: RoomKey, id: string) {
  await socket.leave(channel(key))
  await socket.leave(peerChannel(key, id))
}
