import type { Logger } from 'pino'
import type { LiveKitRooms } from './livekit-rooms.ts'
import { type RoomKey, type RoomStore, roomName } from './rooms/room-store.ts'

/** Keeps the SFU's rooms to those who have a seat: whoever has none is seen by nobody, and must hear nobody. */
export type SfuDoor = {
  /** Sees out those whose seats are gone. Never rejects: {@link SfuDoor.look} finds who is still there. */
  dismiss(key: RoomKey, ids: readonly string[]): Promise<void>
  /**
   * Sees out who is in the SFU's room and has no seat: with an old token, or because nobody could be
   * dismissed when the seat went. One has to be found twice in a row, since a store that lost its
   * data is told of all seats from one call to the next. Never rejects.
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
  log,
}: {
  sfu: LiveKitRooms
  rooms: Pick<RoomStore, 'has' | 'seated'>
  log: Logger
}): SfuDoor {
  /** Of each room, who was there without a seat the last time. */
  const found = new Map<string, ReadonlySet<string>>()

  const remove = async (key: RoomKey, id: string, why: string) => {
    await sfu.remove(key, id)
    log.info({ ...key, participant: id, why }, 'participant removed from the SFU')
  }
  const failed = (key: RoomKey, error: unknown) =>
    log.warn(
      { ...key, problem: error instanceof Error ? error.message : String(error) },
      'SFU not asked to keep to those with a seat',
    )

  return {
    async dismiss(key, ids) {
      await Promise.all(
        ids.map(async (id) => {
          try {
            // Whoever has come back meanwhile stays.
            if (!(await rooms.has(key, id))) await remove(key, id, 'left')
          } catch (error) {
            failed(key, error)
          }
        }),
      )
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
        const again = strangers.filter((id) => found.get(name)?.has(id))
        found.set(name, new Set(strangers))
        for (const id of again) await remove(key, id, 'no seat')
      } catch (error) {
        failed(key, error)
      }
    },

    keep(names) {
      for (const name of found.keys()) if (!names.has(name)) found.delete(name)
    },
  }
}
