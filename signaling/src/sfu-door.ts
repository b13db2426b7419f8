import type { Logger } from 'pino'
import type { LiveKitRooms } from './livekit-rooms.ts'
import { type RoomKey, type RoomStore, roomName } from './rooms/room-store.ts'

/** Keeps the SFU's rooms to those who have a seat: whoever has none is seen by nobody, and must hear nobody. */
export type SfuDoor = {
  /** Sees out who has left. Never rejects: {@link SfuDoor.look} finds who is still there. */
  dismiss(key: RoomKey, id: string): Promise<void>
  /** Resolves when nobody of that id is being seen out: whoever returns then comes in after it, and stays. */
  seenOut(key: RoomKey, id: string): Promise<void>
  /**
   * Sees out who has been in the SFU's room without a seat for `absentMs`: with an old token, or because
   * their socket is gone for good. Not at once: media go on while signaling restarts, while its store has
   * lost its data or a replica does not reach it, and people come back to their seats meanwhile. Whom a host has
   * removed does not come back to one, and is seen out at once. Never rejects.
   *
   * @param here ids of participants whose sockets are here. Of all replicas the one with the first seat looks.
   */
  look(key: RoomKey, here: readonly string[]): Promise<void>
  /** Forgets what was found in all rooms but these. */
  keep(rooms: ReadonlySet<string>): void
}

export function sfuDoor({
  sfu,
  rooms,
  absentMs,
  now,
  log,
}: {
  sfu: Pick<LiveKitRooms, 'participants' | 'remove'>
  rooms: Pick<RoomStore, 'has' | 'seated'> & { door: Pick<RoomStore['door'], 'watch'> }
  absentMs: number
  /** Epoch milliseconds. */
  now: () => number
  log: Logger
}): SfuDoor {
  /** Of each room, who is there without a seat, and since when. */
  const found = new Map<string, ReadonlyMap<string, number>>()

  /** Being seen out, by room and id. */
  const leaving = new Map<string, Promise<void>>()

  const remove = async (key: RoomKey, id: string, why: string) => {
    // Whoever has come back meanwhile stays.
    if (await rooms.has(key, id)) return
    await sfu.remove(key, id)
    log.info({ ...key, participant: id, why }, 'participant removed from the SFU')
  }
  const seeOut = async (key: RoomKey, id: string, why: string) => {
    const who = `${roomName(key)}.${id}`
    const before = leaving.get(who)
    const done = (before ?? Promise.resolve()).then(() => remove(key, id, why))
    const settled = done.catch(() => {})
    leaving.set(who, settled)
    await done.finally(() => {
      if (leaving.get(who) === settled) leaving.delete(who)
    })
  }
  const failed = (key: RoomKey, error: unknown) =>
    log.warn(
      { ...key, problem: error instanceof Error ? error.message : String(error) },
      'SFU not asked to keep to those with a seat',
    )

  return {
    async dismiss(key, id) {
      try {
        await seeOut(key, id, 'left')
      } catch (error) {
        failed(key, error)
      }
    },

    async seenOut(key, id) {
      await leaving.get(`${roomName(key)}.${id}`)
    },

    async look(key, here) {
      const name = roomName(key)
      try {
        const seated = await rooms.seated(key)
        const first = seated?.toSorted()[0]
        if (seated === undefined || first === undefined || !here.includes(first)) {
          found.delete(name)
          return
        }
        const known = new Set(seated)
        const strangers = (await sfu.participants(key)).filter((id) => !known.has(id))
        const at = now()
        const since = new Map(strangers.map((id) => [id, found.get(name)?.get(id) ?? at]))
        found.set(name, since)
        if (strangers.length === 0) return
        const { marks } = await rooms.door.watch(key, strangers)
        for (const [id, from] of since) {
          const mark = marks.get(id)
          if (mark === 'removed' || mark === 'ended') await seeOut(key, id, mark)
          else if (at - from >= absentMs) await seeOut(key, id, 'no seat')
        }
      } catch (error) {
        failed(key, error)
      }
    },

    keep(names) {
      for (const name of found.keys()) if (!names.has(name)) found.delete(name)
    },
  }
}
