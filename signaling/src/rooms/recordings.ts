import type { RecordingState, RoomRecording } from '@parley/protocol'
import type { RoomKey } from './room-store.ts'

/**
 * What became of a room's recording. `started`: it runs since this very call.
 */
export type RecordingChange = Pick<RecordingState, 'at' | 'recording'> & { started: boolean }

/**
 * Recordings of rooms, and who has said yes to them. One runs only while everybody with a seat has: it starts with
 * the last yes, a seat is taken only with a yes while it runs, and it ends with a no, or with who makes it.
 *
 * Every method throws SignalingError `unavailable` when the store cannot be reached.
 */
export type Recordings = {
  /**
   * @param id of this recording, made by who asks; with the same again nothing changes
   * @returns `taken` where there is another one; undefined where `by` has no seat
   */
  ask(key: RoomKey, by: string, id: string): Promise<RecordingChange | 'taken' | undefined>
  /** @returns undefined where there is no such recording, or `who` has no seat */
  answer(key: RoomKey, who: string, id: string, yes: boolean): Promise<RecordingChange | undefined>
  /** @returns undefined where there is no such recording */
  stop(key: RoomKey, id: string): Promise<RecordingChange | undefined>
  /** To be called when somebody has left: everybody else may have said yes. */
  look(key: RoomKey): Promise<RecordingChange>
}

type Held = { id: string; by: string; agreed: Set<string>; on: boolean }

/** What {@link memoryRecordings} is told of seats. */
export type RecordedSeats = {
  /** Whether nobody may take a seat without saying yes. */
  runs(room: string): boolean
  agree(room: string, who: string): void
  state(room: string): Pick<RecordingState, 'at' | 'recording'>
  dropped(room: string, who: string): void
  emptied(room: string): void
}

/** @param seated ids of those with a seat in a room */
export function memoryRecordings(
  seated: (room: string) => string[],
  now: () => number,
  nameOf: (key: RoomKey) => string,
): Recordings & RecordedSeats {
  const held = new Map<string, Held>()
  const times = new Map<string, number>()

  const touch = (room: string) => times.set(room, Math.max(now(), (times.get(room) ?? 0) + 1))
  const state = (room: string) => {
    const one = held.get(room)
    const recording: RoomRecording | null = one
      ? {
          id: one.id,
          by: one.by,
          on: one.on,
          agreed: seated(room).filter((id) => one.agreed.has(id)),
        }
      : null
    return { at: times.get(room) ?? 0, recording }
  }
  const settle = (room: string): RecordingChange => {
    const one = held.get(room)
    const started = one !== undefined && !one.on && seated(room).every((id) => one.agreed.has(id))
    if (one && started) {
      one.on = true
      touch(room)
    }
    return { ...state(room), started }
  }
  const end = (room: string): RecordingChange => {
    held.delete(room)
    touch(room)
    return { ...state(room), started: false }
  }

  return {
    async ask(key, by, id) {
      const room = nameOf(key)
      if (!seated(room).includes(by)) return undefined
      const before = held.get(room)
      if (before) return before.id === id ? { ...state(room), started: false } : 'taken'
      held.set(room, { id, by, agreed: new Set([by]), on: false })
      touch(room)
      return settle(room)
    },
    async answer(key, who, id, yes) {
      const room = nameOf(key)
      const one = held.get(room)
      if (one?.id !== id || !seated(room).includes(who)) return undefined
      if (!yes) return end(room)
      one.agreed.add(who)
      touch(room)
      return settle(room)
    },
    async stop(key, id) {
      const room = nameOf(key)
      return held.get(room)?.id === id ? end(room) : undefined
    },
    async look(key) {
      return settle(nameOf(key))
    },
    runs: (room) => held.get(room)?.on ?? false,
    agree(room, who) {
      held.get(room)?.agreed.add(who)
      touch(room)
    },
    state,
    dropped(room, who) {
      const one = held.get(room)
      if (one?.by === who) end(room)
      else one?.agreed.delete(who)
    },
    emptied(room) {
      held.delete(room)
      times.delete(room)
    },
  }
}
