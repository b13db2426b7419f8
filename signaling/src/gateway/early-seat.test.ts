import { describe, expect, it } from '@jest/globals'
import { Server } from 'socket.io'
import { SignalingError } from '../errors.ts'
import { memoryRoomStore } from '../rooms/memory-room-store.ts'
import type { RoomDoor } from '../rooms/room-door.ts'
import type { RoomStore } from '../rooms/room-store.ts'
import { noSfu, type SfuAccess } from '../sfu.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { recordingLog } from '../testing/signaling-rig.ts'
import { earlySeats } from './early-seat.ts'

const key = { tenant: 't', room: 'r' }
const graceMs = 5000
const away = async () => {
  throw new SignalingError('unavailable', 'away')
}

/** A room on the SFU with Ada in it, and what takes a seat there for Cem. */
async function onSfu(broken: { sfu?: Partial<SfuAccess>; rooms?: Partial<RoomStore> } = {}) {
  const clock = manualClock()
  const rooms = memoryRoomStore(clock.now, { markMs: 60_000, leaseMs: 15_000 })
  const media = { audio: true, video: true }
  const ada = { id: 'ada', name: 'Ada', media, joinedAt: clock.now(), role: 'host' } as const
  await rooms.join(key, { participant: ada, session: 'socket' }, { total: 9, mesh: 1, sfu: true })
  const { log, text } = recordingLog()
  const settled: ReturnType<RoomDoor['settle']>[] = []
  const swept: unknown[] = []
  const takeSeat = earlySeats(
    {
      ...{ io: new Server(), clock, log, graceMs, meshMax: 1, roomMax: 9 },
      rooms: { ...rooms, ...broken.rooms },
      sfu: {
        ...noSfu,
        media: async () => ({ mode: 'sfu', engine: 'LiveKit', token: 'for-cem' }),
        ...broken.sfu,
      },
    },
    { announceJoined() {}, announceLeft() {}, sweepLater: (...room) => void swept.push(...room) },
    (...came) => void settled.push(rooms.door.settle(came[0], 'guest', came[1])),
  )
  const cem = { ...key, participant: 'cem', account: 'account-of-cem', name: 'Cem' }
  const given = await takeSeat({ ...cem, role: 'guest' })
  await Promise.all(settled)
  return { clock, rooms, given, text, swept }
}

describe('a seat before the socket', () => {
  it('REQ-W2: fails no join where the SFU’s key or the store is away: it is none, with a warning', async () => {
    for (const broken of [
      { sfu: { media: away } },
      { rooms: { join: away } },
      { rooms: { detach: away } },
    ]) {
      const { given, text } = await onSfu(broken)
      expect(given).toBeUndefined()
      expect(text()).toContain('"code":"unavailable","msg":"no seat before the socket"')
    }
  })

  it('REQ-W2: goes after the grace period where no socket comes, also where it got no token', async () => {
    for (const sfu of [{}, { media: away }]) {
      const { clock, rooms, given, swept } = await onSfu({ sfu })
      expect(given).toBe('media' in sfu ? undefined : 'for-cem')
      expect(await rooms.seated(key)).toEqual(['ada', 'cem'])
      expect(swept).toEqual([key])
      clock.advance(graceMs)
      expect(await rooms.sweep(key)).toEqual(['cem'])
    }
  })

  it('REQ-W5: keeps out whom a host removes from it, whatever id they come back with', async () => {
    const { rooms } = await onSfu()
    expect(await rooms.door.remove(key, 'cem')).toBe(true)
    const again = { id: 'other', account: 'account-of-cem', knocks: false, passes: false }
    expect(await rooms.door.standing(key, again)).toBe('removed')
  })
})
