import { expect, it } from '@jest/globals'
import type { RecordingState } from '@parley/protocol'
import { pino } from 'pino'
import { memoryRoomStore } from '../../rooms/memory-room-store.ts'
import type { MeetingSocket, Meetings } from '../types.ts'
import { recordingHandlers } from './recording.ts'

const key = { tenant: 't', room: 'r' }

it('REQ-W5: who says yes again and again is not passed on to everybody as often, and may say no at once', async () => {
  const rooms = memoryRoomStore(() => 0, { markMs: 1000, leaseMs: 1000 })
  const told: RecordingState[] = []
  const handlers = recordingHandlers({
    deps: {
      rooms,
      io: { to: () => ({ emit: (_: string, state: RecordingState) => told.push(state) }) },
      log: pino({ level: 'silent' }),
    },
    seats: { of: ({ id }: MeetingSocket) => ({ key, participant: { id } }) },
    doorkeeper: { roleOf: async () => 'member' },
  } as unknown as Meetings)
  const socket = (id: string) => ({ id }) as MeetingSocket
  const media = { audio: true, video: true }
  for (const id of ['p-ana', 'p-eve', 'p-joe']) {
    const participant = { id, name: id, media, joinedAt: 0, role: 'member' as const }
    await rooms.join(key, { participant, session: id }, { total: 9, mesh: 9 })
  }
  await handlers['recording:ask'].handle(socket('p-ana'), { id: 'r-1' })
  const answer = (yes: boolean) =>
    handlers['recording:answer'].handle(socket('p-eve'), { id: 'r-1', yes })

  const answers = await Promise.allSettled(Array.from({ length: 200 }, () => answer(true)))
  const refused = answers.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(100)
  expect(refused[0]).toMatchObject({ reason: { code: 'rate-limited' } })
  expect(told).toHaveLength(1 + answers.length - refused.length)
  expect(told.at(-1)?.recording).toMatchObject({ on: false, agreed: ['p-ana', 'p-eve'] })
  expect(await answer(false)).toBeNull()
  expect(told.at(-1)).toMatchObject({ recording: null, ended: 'refused' })
})
