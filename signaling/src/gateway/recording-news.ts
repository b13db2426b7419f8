import type { RoomKey } from '../rooms/room-store.ts'
import { channel } from './channels.ts'
import { toError } from './refusals.ts'
import type { GatewayDeps } from './types.ts'

type Deps = Pick<GatewayDeps, 'io' | 'rooms' | 'clock' | 'log'>

/**
 * Somebody has left: everybody else may have said yes to a recording already, and it starts. Never rejects: where it
 * cannot be found out now, it is when the next one leaves.
 */
export async function lookAfterRecording({ io, rooms, log }: Deps, key: RoomKey): Promise<void> {
  try {
    const { at, recording, started } = await rooms.recordings.look(key)
    if (started) io.to(channel(key)).emit('recording:state', { at, recording })
  } catch (error) {
    log.warn({ ...key, code: toError(error, log).code }, 'recording not looked after')
  }
}

/** The store has lost its data, and with them what was agreed: pages are told what it knows. Never rejects. */
export async function tellRecordingAnew(
  { io, rooms, clock, log }: Deps,
  key: RoomKey,
): Promise<void> {
  try {
    const { at, recording } = await rooms.recordings.look(key)
    const state = { at: recording ? at : Math.max(at, clock.now()), recording }
    io.to(channel(key)).emit('recording:state', state)
  } catch (error) {
    log.warn({ ...key, code: toError(error, log).code }, 'recording not told')
  }
}
