import {
  moderates,
  type RecordingState,
  recordingAnswerSchema,
  recordingAskSchema,
  recordingStopSchema,
} from '@parley/protocol'
import { atLeast } from '../../access/powers.ts'
import { SignalingError } from '../../errors.ts'
import { rateLimit } from '../../rate-limit.ts'
import type { RoomKey } from '../../rooms/room-store.ts'
import { channel } from '../channels.ts'
import { notJoined } from '../refusals.ts'
import type { Handlers, Meetings } from '../types.ts'

/** A second and participant, and more in a burst of ten seconds: nobody is asked again and again. */
const rate = [0.2, 4] as const
/** The same of a yes, which everybody hears of. A no is always taken. */
const yesRate = [1, 10] as const

/** A recording that a participant makes, and everybody's yes to it. */
export function recordingHandlers({
  deps,
  seats,
  doorkeeper,
}: Meetings): Handlers<'recording:ask' | 'recording:answer' | 'recording:stop'> {
  const { io, rooms, log } = deps
  const limit = rateLimit(...rate)
  const yesLimit = rateLimit(...yesRate)

  const tell = (key: RoomKey, state: RecordingState) =>
    io.to(channel(key)).emit('recording:state', state)

  return {
    'recording:ask': {
      schema: recordingAskSchema,
      async handle(socket, { id }) {
        const { key, participant } = seats.of(socket)
        if (!atLeast(await doorkeeper.roleOf(key, participant.id), 'member'))
          throw new SignalingError('forbidden', 'guests do not record; ask a host')
        await limit.take(participant.id)
        const change = await rooms.recordings.ask(key, participant.id, id)
        if (change === 'taken')
          throw new SignalingError('taken', 'somebody else records, or asks whether they may')
        if (!change) throw notJoined()
        const { at, recording, started } = change
        tell(key, { at, recording })
        log.info({ ...key, participant: participant.id, started }, 'recording asked for')
        return { at, recording }
      },
    },

    'recording:answer': {
      schema: recordingAnswerSchema,
      async handle(socket, { id, yes }) {
        const { key, participant } = seats.of(socket)
        if (yes) await yesLimit.take(participant.id)
        const change = await rooms.recordings.answer(key, participant.id, id, yes)
        if (!change) throw noSuchRecording()
        const { at, recording, started } = change
        tell(key, { at, recording, ...(!yes && { ended: 'refused' }) })
        log.info({ ...key, participant: participant.id, yes, started }, 'recording answered')
        return null
      },
    },

    'recording:stop': {
      schema: recordingStopSchema,
      async handle(socket, { id }) {
        const { key, participant } = seats.of(socket)
        const role = await doorkeeper.roleOf(key, participant.id)
        const { recording } = await rooms.recordings.look(key)
        if (recording?.id !== id) throw noSuchRecording()
        if (recording.by !== participant.id && !moderates(role))
          throw new SignalingError('forbidden', 'say no to it with recording:answer')
        const change = await rooms.recordings.stop(key, id)
        if (change) tell(key, { at: change.at, recording: null, ended: 'stopped' })
        log.info({ ...key, participant: participant.id }, 'recording stopped')
        return null
      },
    },
  }
}

function noSuchRecording(): SignalingError {
  return new SignalingError('not-found', 'there is no such recording (any more)')
}
