import { z } from 'zod'
import { slugSchema } from './ids.ts'
import type { Ack } from './meeting.ts'

/**
 * A recording of a room that one participant makes on their own device. It runs only while everybody who has a
 * seat has said yes to it; whoever comes meanwhile says so before they get theirs.
 */
export const roomRecordingSchema = z.object({
  /** Of this one: another one needs everybody's yes anew. */
  id: slugSchema,
  /** Who records. */
  by: slugSchema,
  /** Those in the room who have said yes. */
  agreed: z.array(slugSchema),
  /** Everybody has: it runs. */
  on: z.boolean(),
})

export const recordingAskSchema = z.object({ id: slugSchema })
export const recordingAnswerSchema = z.object({ id: slugSchema, yes: z.boolean() })
export const recordingStopSchema = z.object({ id: slugSchema })

/** What has become of it. `at` rises with each: what comes late is of no interest any more. */
export const recordingStateSchema = z.object({
  at: z.number().int(),
  recording: roomRecordingSchema.nullable(),
  /** Why there is none any more. */
  ended: z.enum(['refused', 'stopped']).optional(),
})

export type RoomRecording = z.infer<typeof roomRecordingSchema>
export type RecordingState = z.infer<typeof recordingStateSchema>

export type RecordingClientEvents = {
  /**
   * Asks everybody for their yes; the sender's own is given with it. Of members, hosts and admins. With the same
   * id again, it is the same one.
   */
  'recording:ask': (
    message: z.infer<typeof recordingAskSchema>,
    ack: (a: Ack<RecordingState>) => void,
  ) => void
  /** A no ends it for all, also one that takes a yes back. */
  'recording:answer': (
    message: z.infer<typeof recordingAnswerSchema>,
    ack: (a: Ack<null>) => void,
  ) => void
  /** Of who records, and of hosts and admins. */
  'recording:stop': (
    message: z.infer<typeof recordingStopSchema>,
    ack: (a: Ack<null>) => void,
  ) => void
}

export type RecordingServerEvents = {
  /** To everybody. When who records has left, it is over without this. */
  'recording:state': (state: RecordingState) => void
}
