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

/** Socket.IO's room of those who moderate. */
export function hostChannel(key: RoomKey): string {
  return `hosts:${roomName(key)}`
}

/** Socket.IO's room of those before the door. */
export function lobbyChannel(key: RoomKey): string {
  return `lobby:${roomName(key)}`
}

/** Socket.IO's room of the socket of one of them. */
export function knockerChannel(key: RoomKey, id: string): string {
  return `knocker:${roomName(key)}.${id}`
}

export async function leaveChannels(socket: MeetingSocket, key: RoomKey, id: string) {
  await socket.leave(channel(key))
  await socket.leave(peerChannel(key, id))
  await socket.leave(hostChannel(key))
}
