import { z } from 'zod'
import {
  type Knocker,
  knockerSchema,
  type lobbyAdmitSchema,
  type lobbyDenySchema,
  type moderationMuteSchema,
  type moderationRemoveSchema,
  roleSchema,
  type roomLockSchema,
} from './access.ts'
import { slugSchema } from './ids.ts'
import type { LinkReport } from './link-report.ts'
import { displayNameSchema } from './name.ts'
import {
  type RecordingClientEvents,
  type RecordingServerEvents,
  recordingStateSchema,
} from './recording.ts'
import type { SocialClientEvents, SocialServerEvents } from './social.ts'
import { errorCodes, keyMarkPattern, type Role } from './words.ts'

export const mediaStateSchema = z.object({
  audio: z.boolean(),
  video: z.boolean(),
  /** A screen is shared. Left out where none is, so that an older server takes the rest. */
  screen: z.boolean().optional(),
  /**
   * Has a key for what goes over the SFU: which one, by a mark that is derived of it and says nothing else. Left out
   * where there is none.
   */
  e2ee: z.string().regex(keyMarkPattern).optional(),
})

export const participantSchema = z.strictObject({
  id: slugSchema,
  name: displayNameSchema,
  media: mediaStateSchema,
  joinedAt: z.number().int(),
  role: roleSchema,
  /** Since when a hand is up, server's time in epoch ms; left out where it is down. */
  handAt: z.number().int().optional(),
})

export const iceServerSchema = z.object({
  urls: z.array(z.string()).min(1),
  username: z.string().optional(),
  credential: z.string().optional(),
})

/**
 * How media gets from one to another in a room: from peer to peer, or over an SFU at the page's own
 * origin (`/rtc`), with a token for this participant alone. A room begins as a mesh, moves to the
 * SFU when it outgrows the mesh, and comes back when it has been small for a while, or the SFU is
 * away and the room small enough (`cameBack`). A mesh without that word is no news for who is on the
 * SFU: a server may have no memory of the room.
 */
export const roomMediaSchema = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('mesh'), cameBack: z.literal(true).optional() }),
  z.strictObject({ mode: z.literal('sfu'), engine: z.literal('LiveKit'), token: z.string() }),
])

/**
 * `POST /api/rooms/:room/join`. What the way in consists of, here and below, takes fields that it does not know: pages
 * are older or newer than the server while it is replaced.
 */
export const joinRequestSchema = z.object({
  name: displayNameSchema,
  /** Only one that the invitation or the sign-in vouches for. */
  tenant: slugSchema.optional(),
  /** An invitation to this room; it says the role, and the tenant and the name where it has them. */
  invite: z.string().max(4096).optional(),
  holder: z
    .string()
    .regex(/^[\w-]{16,64}$/)
    .optional()
    .describe(
      'A secret of the device that shows an invitation for one join: with it the same invitation lets it in again, after a refresh or an answer that was lost',
    ),
  /** Who signed in at the identity provider, with the nonce that was asked for; a renewed token may have none. */
  idToken: z.string().max(8192).optional(),
  nonce: z.string().min(16).max(256).optional(),
  seat: z
    .literal(true)
    .optional()
    .describe(
      'Where the room is on the SFU, take the seat with this very request, camera and microphone off, seen by all; the answer has the token for the SFU where it was taken. A socket has to come and say `room:join` within PARLEY_GRACE_SECONDS, else the seat goes again',
    ),
})
export const joinResponseSchema = z.object({
  token: z.string(),
  participantId: slugSchema,
  room: slugSchema,
  tenant: slugSchema,
  /** The first in an empty room may be its host when seated. */
  role: roleSchema,
  /** As others will see it: of the invitation or of the identity provider where they say one. */
  name: displayNameSchema,
  /** For whoever has to be let in first they are STUN alone: those with TURN come with the seat. */
  iceServers: z.array(iceServerSchema).min(1),
  /**
   * What to make ready for; `room:join` says what holds. The token for the SFU comes with the seat, and so here only
   * where that was asked for and taken: else somebody could listen there whom no participant is shown.
   */
  media: z.discriminatedUnion('mode', [
    z.object({ mode: z.literal('mesh') }),
    z.object({
      mode: z.literal('sfu'),
      engine: z.literal('LiveKit'),
      token: z.string().optional(),
    }),
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
  /** Whoever comes now has to be let in. */
  locked: z.boolean(),
  /** Who waits before the door; told to hosts and admins, empty for everybody else. */
  lobby: z.array(knockerSchema),
  /** Of a recording that runs, or is asked for; left out where there is none. */
  recording: recordingStateSchema.optional(),
  /** The token to connect with from now on: the same seat, with all of its time before it. */
  resume: z.string(),
})

/** Perfect negotiation's two messages, relayed as they are between two participants. */
export const signalSchema = z.union([
  z.strictObject({
    description: z.strictObject({
      type: z.enum(['offer', 'answer', 'rollback', 'pranswer']),
      // Replicas pass signals on by way of Redis, which keeps the last thousand.
      sdp: z.string().max(65_536).optional(),
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
export const roomJoinSchema = z.object({
  media: mediaStateSchema,
  /** Knows that the meeting is recorded, and says yes to it: after `recorded` was the answer. */
  agrees: z.literal(true).optional(),
})

export const errorCodeSchema = z.enum(errorCodes)
export const protocolErrorSchema = z.object({ code: errorCodeSchema, message: z.string() })

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

/** Why a room came back from the SFU. */
export type MeshReason = 'small' | 'sfu-away'

export type ClientToServerEvents = SocialClientEvents &
  RecordingClientEvents & {
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
    /** After `room:join` was answered `waiting` or `locked`: asks hosts to let one in. Idempotent. */
    'lobby:knock': (message: Record<string, never>, ack: (a: Ack<null>) => void) => void
    /** Of hosts and admins, as all that follow. */
    'lobby:admit': (message: z.infer<typeof lobbyAdmitSchema>, ack: (a: Ack<null>) => void) => void
    'lobby:deny': (message: z.infer<typeof lobbyDenySchema>, ack: (a: Ack<null>) => void) => void
    'moderation:mute': (
      message: z.infer<typeof moderationMuteSchema>,
      ack: (a: Ack<null>) => void,
    ) => void
    /** Ends a seat; its token is not valid for this room any more. */
    'moderation:remove': (
      message: z.infer<typeof moderationRemoveSchema>,
      ack: (a: Ack<null>) => void,
    ) => void
    'room:lock': (message: z.infer<typeof roomLockSchema>, ack: (a: Ack<null>) => void) => void
    /** Ends the meeting for everybody, the sender included. */
    'room:end': (message: Record<string, never>, ack: (a: Ack<null>) => void) => void
    /**
     * The SFU cannot be reached from here. Where the server cannot reach it either, and the room is small
     * enough, it is a mesh from then on.
     */
    'media:unreachable': (
      message: Record<string, never>,
      ack: (a: Ack<{ media: RoomMedia; resume: string }>) => void,
    ) => void
    /** What the page knows of why a link of its own is relayed: once for each, and when it changes. */
    'link:report': (message: LinkReport, ack: (a: Ack<null>) => void) => void
  }

export type ServerToClientEvents = SocialServerEvents &
  RecordingServerEvents & {
    'participant:joined': (participant: Participant) => void
    'participant:left': (message: { id: string }) => void
    'participant:media': (message: { id: string; media: MediaState }) => void
    signal: (message: { from: string; signal: Signal }) => void
    /** Somebody's role has changed, for example because the only host has left. */
    'participant:role': (message: { id: string; role: Role }) => void
    /** To hosts and admins: somebody is before the door. May name someone who is known already. */
    'lobby:knocking': (knocker: Knocker) => void
    /** To hosts and admins: they are not any more: let in, denied, or gone. */
    'lobby:gone': (message: { id: string }) => void
    /** To whoever waits: send `room:join` again. Its answer may be `waiting` once more. */
    'lobby:admitted': () => void
    /** To whoever waits: a host did not let them in. */
    'lobby:denied': () => void
    /** A host asks to stop sending; to be obeyed at once, and told to all by `media:state`. */
    'moderation:mute': (message: { kind: 'audio' | 'video'; by: string }) => void
    'room:locked': (message: { locked: boolean }) => void
    /** The meeting is over for everybody; the server ends the socket. */
    'room:ended': () => void
    /** A host has removed this participant; the server ends the socket. */
    removed: () => void
    /**
     * The room's media has another way now; the one before may go on until the new one delivers. `sfu`:
     * `media:refresh` gives a token for it. `mesh`: the room is small again, or the SFU is away.
     */
    'room:media': (message: { mode: 'sfu' } | { mode: 'mesh'; reason: MeshReason }) => void
    /** The SFU's server that had this room has died; there is another one: begin anew there, at once. */
    'sfu:lost': () => void
    /**
     * This server is about to stop, or cannot keep this seat any more. Connect anew with `resume` and join,
     * which reaches another one, while this socket still serves; it is then ended as `session:replaced`, or
     * with the server. Where no other one takes the seat, this socket goes on.
     */
    'session:move': (message: { resume: string }) => void
    /** Another socket has taken this participant's seat; the server ends this one. */
    'session:replaced': () => void
  }
