import { z } from 'zod'
import { slugSchema } from './ids.ts'
import type { LinkReport } from './link-report.ts'

/**
 * The name shown to others (REQ-P3): something to see in it, and nothing that changes how the text
 * around it is drawn, as control characters and bidirectional overrides do.
 */
export const displayNameSchema = z
  .string()
  .trim()
  .min(1, 'a name is needed')
  .max(64, 'a name has at most 64 characters')
  .regex(
    /^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u,
    'a name has no control characters and no overrides of the direction of writing',
  )
  .regex(/[^\p{C}\p{Z}\p{M}]/u, 'a name has something to see in it')

export const mediaStateSchema = z.strictObject({ audio: z.boolean(), video: z.boolean() })

export const participantSchema = z.strictObject({
  id: slugSchema,
  name: displayNameSchema,
  media: mediaStateSchema,
  joinedAt: z.number().int(),
})

export const iceServerSchema = z.strictObject({
  urls: z.array(z.string()).min(1),
  username: z.string().optional(),
  credential: z.string().optional(),
})

/**
 * How media gets from one to another in a room: from peer to peer, or over an SFU at the page's own
 * origin (`/rtc`), with a token for this participant alone. A room begins as a mesh, moves to the
 * SFU when it outgrows the mesh, and stays there until it is empty.
 */
export const roomMediaSchema = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('mesh') }),
  z.strictObject({ mode: z.literal('sfu'), engine: z.literal('LiveKit'), token: z.string() }),
])

/** `POST /api/rooms/:room/join` */
export const joinRequestSchema = z.strictObject({
  name: displayNameSchema,
  tenant: slugSchema.optional(),
})
export const joinResponseSchema = z.strictObject({
  token: z.string(),
  participantId: slugSchema,
  room: slugSchema,
  tenant: slugSchema,
  iceServers: z.array(iceServerSchema).min(1),
  /**
   * What to make ready for; `room:join` says what holds. The token for the SFU comes with the seat: with one from
   * here somebody could listen there whom no participant is shown.
   */
  media: z.discriminatedUnion('mode', [
    z.object({ mode: z.literal('mesh') }),
    z.object({ mode: z.literal('sfu'), engine: z.literal('LiveKit') }),
  ]),
})

/** All of a room that a participant needs to draw it: the answer to `room:join`. */
export const roomSnapshotSchema = z.strictObject({
  self: slugSchema,
  room: slugSchema,
  /** Everyone in the room, `self` included. */
  participants: z.array(participantSchema),
  iceServers: z.array(iceServerSchema).min(1),
  maxParticipants: z.number().int(),
  media: roomMediaSchema,
  /** The token to connect with from now on: the same seat, with all of its time before it. */
  resume: z.string(),
})

/** Perfect negotiation's two messages, relayed as they are between two participants. */
export const signalSchema = z.union([
  z.strictObject({
    description: z.strictObject({
      type: z.enum(['offer', 'answer', 'rollback', 'pranswer']),
      sdp: z.string().max(200_000).optional(),
    }),
  }),
  z.strictObject({
    candidate: z
      .strictObject({
        candidate: z.string().max(4096),
        sdpMid: z.string().max(256).nullable().optional(),
        sdpMLineIndex: z.number().int().nullable().optional(),
        usernameFragment: z.string().max(256).nullable().optional(),
      })
      .nullable(),
  }),
])
export const signalToSchema = z.strictObject({ to: slugSchema, signal: signalSchema })
export const roomJoinSchema = z.strictObject({ media: mediaStateSchema })

/** Every code that an acknowledgement or an HTTP error may carry. */
export const errorCodes = [
  'invalid', // the message does not have the shape it must have
  'unauthenticated', // no token, a forged or an expired one
  'forbidden', // not in the room that the message is for
  'not-found', // nobody of that id in the room
  'room-full', // it holds no more
  'rate-limited', // too many messages; try again a little later
  'not-joined', // `room:join` was not sent first
  'unavailable', // no TURN server is ready yet
  'internal', // a fault of the server, in its log under the same id
] as const
export const errorCodeSchema = z.enum(errorCodes)
export const protocolErrorSchema = z.strictObject({ code: errorCodeSchema, message: z.string() })

export type DisplayName = z.infer<typeof displayNameSchema>
export type MediaState = z.infer<typeof mediaStateSchema>
export type Participant = z.infer<typeof participantSchema>
export type RoomMedia = z.infer<typeof roomMediaSchema>
export type IceServer = z.infer<typeof iceServerSchema>
export type JoinRequest = z.infer<typeof joinRequestSchema>
export type JoinResponse = z.infer<typeof joinResponseSchema>
export type RoomSnapshot = z.infer<typeof roomSnapshotSchema>
export type Signal = z.infer<typeof signalSchema>
export type ErrorCode = z.infer<typeof errorCodeSchema>
export type ProtocolError = z.infer<typeof protocolErrorSchema>

/** Each client message is acknowledged: with its answer, or with a typed error. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: ProtocolError }

export type ClientToServerEvents = {
  'room:join': (
    message: z.infer<typeof roomJoinSchema>,
    ack: (a: Ack<RoomSnapshot>) => void,
  ) => void
  'room:leave': (message: Record<string, never>, ack: (a: Ack<null>) => void) => void
  signal: (message: z.infer<typeof signalToSchema>, ack: (a: Ack<null>) => void) => void
  'media:state': (message: MediaState, ack: (a: Ack<null>) => void) => void
  'turn:refresh': (
    message: Record<string, never>,
    ack: (a: Ack<{ iceServers: IceServer[]; resume: string }>) => void,
  ) => void
  /** The room's media as it is now, with a new token where it is on the SFU. */
  'media:refresh': (
    message: Record<string, never>,
    ack: (a: Ack<{ media: RoomMedia; resume: string }>) => void,
  ) => void
  /** What the page knows of why a link of its own is relayed: once for each, and when it changes. */
  'link:report': (message: LinkReport, ack: (a: Ack<null>) => void) => void
}

export type ServerToClientEvents = {
  'participant:joined': (participant: Participant) => void
  'participant:left': (message: { id: string }) => void
  'participant:media': (message: { id: string; media: MediaState }) => void
  signal: (message: { from: string; signal: Signal }) => void
  /**
   * The room is on the SFU now: `media:refresh` gives a token for it. Media from peer to peer may go
   * on until the SFU delivers.
   */
  'room:media': (message: { mode: 'sfu' }) => void
  /**
   * This server is about to stop, or cannot keep this seat any more. Connect anew with `resume` and join,
   * which reaches another one, while this socket still serves; it is then ended as `session:replaced`, or
   * with the server. Where no other one takes the seat, this socket goes on.
   */
  'session:move': (message: { resume: string }) => void
  /** Another socket has taken this participant's seat; the server ends this one. */
  'session:replaced': () => void
}
