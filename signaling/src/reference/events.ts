import {
  type Ack,
  adminAskHistorySchema,
  adminHistorySchema,
  adminSubscribeSchema,
  alertKinds,
  type ClientToServerEvents,
  chatMessageSchema,
  chatSendSchema,
  handLowerSchema,
  handSetSchema,
  iceServerSchema,
  knockerSchema,
  linkReportSchema,
  lobbyAdmitSchema,
  lobbyDenySchema,
  type MetricsClientEvents,
  type MetricsServerEvents,
  mediaStateSchema,
  moderationMuteSchema,
  moderationRemoveSchema,
  participantSchema,
  reactionSchema,
  reactionSendSchema,
  recordingAnswerSchema,
  recordingAskSchema,
  recordingStateSchema,
  recordingStopSchema,
  roleSchema,
  roomJoinSchema,
  roomLockSchema,
  roomMediaSchema,
  roomSnapshotSchema,
  type ServerToClientEvents,
  signalSchema,
  signalToSchema,
  slugSchema,
  wireMetricsSchema,
} from '@parley/protocol'
import { z } from 'zod'

type MessageOf<F> = F extends () => void
  ? undefined
  : F extends (message: infer M, ...rest: never[]) => void
    ? M
    : never
type AnswerOf<E extends keyof ClientToServerEvents> =
  Parameters<Parameters<ClientToServerEvents[E]>[1]>[0] extends Ack<infer T> ? T : never

/** An event of a client: what it takes, and what its acknowledgement has where it went well. */
type Asked<E extends keyof ClientToServerEvents> = {
  summary: string
  message: z.ZodType<Parameters<ClientToServerEvents[E]>[0]>
  answer: z.ZodType<AnswerOf<E>>
}
/** An event of the server; some say nothing but their name. */
type Told<F> = { summary: string } & (MessageOf<F> extends undefined
  ? { message?: undefined }
  : { message: z.ZodType<MessageOf<F>> })

const nothing = z.strictObject({})
const done = z.null()
const resume = z.string().describe('The token to connect with from now on.')
const mediaAnswer = z.object({ media: roomMediaSchema, resume })
const who = z.object({ id: slugSchema })
const at = z.int().describe('Server time, epoch milliseconds.')

/** What pages send to `/`: complete, or it does not compile. */
export const meetingRequests: { [E in keyof ClientToServerEvents]: Asked<E> } = {
  'room:join': {
    summary: 'Takes the seat that the token is for; to be sent after every connect.',
    message: roomJoinSchema,
    answer: roomSnapshotSchema,
  },
  'room:leave': { summary: 'Gives the seat up.', message: nothing, answer: done },
  signal: {
    summary: 'A message of perfect negotiation, for one other participant.',
    message: signalToSchema,
    answer: done,
  },
  'media:state': {
    summary: 'What is sent from here now, for everybody to see.',
    message: mediaStateSchema,
    answer: done,
  },
  'turn:refresh': {
    summary: 'New credentials for TURN, before those there are run out.',
    message: nothing,
    answer: z.object({ iceServers: z.array(iceServerSchema), resume }),
  },
  'media:refresh': {
    summary: 'The way of the media as it is now, with a new token where it is the SFU.',
    message: nothing,
    answer: mediaAnswer,
  },
  'media:unreachable': {
    summary: 'The SFU cannot be reached from here.',
    message: nothing,
    answer: mediaAnswer,
  },
  'lobby:knock': {
    summary: 'Asks hosts to let one in, after room:join was answered waiting or locked.',
    message: nothing,
    answer: done,
  },
  'lobby:admit': { summary: 'Of hosts: lets in.', message: lobbyAdmitSchema, answer: done },
  'lobby:deny': { summary: 'Of hosts: does not.', message: lobbyDenySchema, answer: done },
  'moderation:mute': {
    summary: 'Of hosts: asks one, or everybody, to stop sending.',
    message: moderationMuteSchema,
    answer: done,
  },
  'moderation:remove': {
    summary: 'Of hosts: ends a seat, and what its token is good for.',
    message: moderationRemoveSchema,
    answer: done,
  },
  'room:lock': {
    summary: 'Of hosts: whoever comes has to be let in, or not any more.',
    message: roomLockSchema,
    answer: done,
  },
  'room:end': { summary: 'Of hosts: ends it for all.', message: nothing, answer: done },
  'link:report': {
    summary: 'Why a link of the sender is relayed.',
    message: linkReportSchema,
    answer: done,
  },
  'chat:send': {
    summary: 'Writes to the room; the same id again is the same message.',
    message: chatSendSchema,
    answer: z.object({ at }),
  },
  'chat:history': {
    summary: 'What was written, oldest first.',
    message: nothing,
    answer: z.object({ messages: z.array(chatMessageSchema) }),
  },
  'hand:set': {
    summary: "Raises or lowers one's own hand.",
    message: handSetSchema,
    answer: z.object({ at: at.nullable() }),
  },
  'hand:lower': {
    summary: "Of hosts: lowers somebody's hand.",
    message: handLowerSchema,
    answer: done,
  },
  'reaction:send': {
    summary: 'Shows a reaction to everybody.',
    message: reactionSendSchema,
    answer: done,
  },
  'recording:ask': {
    summary: 'Asks everybody for their yes to a recording on the own device.',
    message: recordingAskSchema,
    answer: recordingStateSchema,
  },
  'recording:answer': {
    summary: 'Says yes to a recording, or no, which ends it.',
    message: recordingAnswerSchema,
    answer: done,
  },
  'recording:stop': {
    summary: 'Ends a recording.',
    message: recordingStopSchema,
    answer: done,
  },
}

/** What pages hear on `/`. */
export const meetingNews: { [E in keyof ServerToClientEvents]: Told<ServerToClientEvents[E]> } = {
  'participant:joined': {
    summary: 'Somebody has a seat; may name one who is known.',
    message: participantSchema,
  },
  'participant:left': { summary: 'A seat is gone.', message: who },
  'participant:media': {
    summary: 'What somebody sends now.',
    message: who.extend({ media: mediaStateSchema }),
  },
  'participant:role': {
    summary: "Somebody's role is another one.",
    message: who.extend({ role: roleSchema }),
  },
  'participant:hand': {
    summary: 'A hand is up, since when, or down.',
    message: who.extend({ at: at.nullable() }),
  },
  signal: {
    summary: 'A message of perfect negotiation, from another participant.',
    message: z.object({ from: slugSchema, signal: signalSchema }),
  },
  'lobby:knocking': { summary: 'To hosts: somebody is before the door.', message: knockerSchema },
  'lobby:gone': { summary: 'To hosts: they are not any more.', message: who },
  'lobby:admitted': { summary: 'To whoever waits: send room:join again.' },
  'lobby:denied': { summary: 'To whoever waits: a host did not let them in.' },
  'moderation:mute': {
    summary: 'A host asks to stop sending, which a page does at once.',
    message: z.object({ kind: z.enum(['audio', 'video']), by: slugSchema }),
  },
  'room:locked': { summary: 'Whether whoever comes has to be let in.', message: roomLockSchema },
  'room:ended': { summary: 'The meeting is over; the server ends the socket.' },
  removed: { summary: 'A host has removed this one; the server ends the socket.' },
  'room:media': {
    summary: 'The media has another way now: media:refresh gives a token for it.',
    message: z.discriminatedUnion('mode', [
      z.object({ mode: z.literal('sfu') }),
      z.object({ mode: z.literal('mesh'), reason: z.enum(['small', 'sfu-away']) }),
    ]),
  },
  'sfu:lost': { summary: 'The SFU that had the room is gone; another one has it.' },
  'session:move': {
    summary: 'Connect anew with this token and join, while this socket still serves.',
    message: z.object({ resume }),
  },
  'session:replaced': { summary: 'Another socket has the seat; the server ends this one.' },
  'chat:message': { summary: 'Somebody wrote.', message: chatMessageSchema },
  reaction: {
    summary: 'Somebody reacts.',
    message: who.extend({ reaction: reactionSchema }),
  },
  'recording:state': {
    summary: 'What has become of a recording.',
    message: recordingStateSchema,
  },
}

const metrics = z.record(z.string(), z.unknown()).describe('Of the same names as in a full sample.')
const liveUser = z.object({
  meetingId: slugSchema,
  userId: slugSchema,
  metrics,
  quality: z.string(),
  mos: z.number().nullable(),
  score: z.number().nullable(),
  at,
})
const alert = z.object({
  id: z.string(),
  meetingId: slugSchema,
  userId: slugSchema,
  kind: z.enum(alertKinds),
  severity: z.enum(['info', 'warning', 'critical']),
  state: z.enum(['open', 'resolved']),
  since: at,
  at,
  value: z.number().nullable(),
  cost: z.boolean(),
})
const gone = z.object({ meetingId: slugSchema, userId: slugSchema, gone: z.literal(true), at })

/** The same of `/meeting-metrics`. */
export const metricsRequests: Record<
  keyof MetricsClientEvents,
  { summary: string; message: z.ZodType; answer: z.ZodType }
> = {
  'meeting:metrics': {
    summary: 'How the call of the sender is: first all of it, then what has changed.',
    message: wireMetricsSchema,
    answer: done,
  },
  'admin:subscribe': {
    summary: 'Of admins: all there is now, and from now on what changes.',
    message: adminSubscribeSchema,
    answer: z.object({ users: z.array(liveUser), alerts: z.array(alert) }),
  },
  'admin:history': {
    summary: "Of admins: a participant's last hour, and why their connections are relayed.",
    message: adminAskHistorySchema,
    answer: adminHistorySchema,
  },
}
export const metricsNews: Record<
  keyof MetricsServerEvents,
  { summary: string; message?: z.ZodType | undefined }
> = {
  'meeting:metrics:reads': {
    summary: 'At the beginning: from version 2 on the server reads packed deltas.',
    message: z.object({ version: z.int().positive() }),
  },
  'meeting:metrics:full': { summary: 'Something is missing: send a full sample next.' },
  'meeting:metrics:update': {
    summary: 'To admins: how participants are, each at most once in the time of the throttle.',
    message: z.object({ updates: z.array(z.union([liveUser, gone])) }),
  },
  'meeting:alerts': {
    summary: 'To admins: what opened, and what is resolved.',
    message: z.object({ alerts: z.array(alert) }),
  },
}
