/**
 * Words, patterns and limits of the protocol: plain values, which a page takes before anybody joins, and so without the
 * schemas that are made of them.
 */

export const slugPattern = /^[A-Za-z0-9_-]{1,64}$/

/** Of a name, trimmed: nothing that changes how the text around it is drawn, and something to see in it. */
export const displayNameMax = 64
export const displayNamePatterns = {
  harmless: /^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u,
  seen: /[^\p{C}\p{Z}\p{M}]/u,
} as const

/** Messages of a room that are kept for those who come late; the oldest go first. */
export const chatHistoryMax = 200
export const chatTextMax = 2000
export const chatTextPatterns = {
  harmless: /^(?:[\n\t]|[^\p{Cc}\p{Cs}])*$/u,
  seen: /[^\p{Cc}\p{Cf}\p{Z}\p{M}]/u,
} as const

/** Of a key for what goes over the SFU. */
export const keyMarkPattern = /^[A-Za-z0-9_-]{8}$/

/** Links of one participant that may be reported; of later ones nothing is known. */
export const linksMax = 4096

/**
 * What somebody may do in a room, from little to much. Guests come without an invitation or with one
 * for guests; members are known (invited as such, or signed in); hosts moderate their room; admins do
 * so everywhere, and no host moderates them.
 */
export const roles = ['guest', 'member', 'host', 'admin'] as const
export type Role = (typeof roles)[number]

/** Roles of those who moderate: they let in, mute, remove, lock and end, and make invitations. */
export const moderates = (role: Role): boolean => role === 'host' || role === 'admin'

export const reactions = ['like', 'love', 'applause', 'laugh', 'surprise', 'celebrate'] as const

/** Every code that an acknowledgement or an HTTP error may carry. */
export const errorCodes = [
  'invalid', // the message does not have the shape it must have
  'unauthenticated', // no token, a forged or an expired one
  'forbidden', // not for this room, or not for this role
  'not-found', // nobody of that id in the room
  'room-full', // it holds no more
  'rate-limited', // too many messages; try again a little later
  'not-joined', // `room:join` was not sent first
  'waiting', // a host has to let you in: `lobby:knock`
  'locked', // the room is locked; a host may let you in nevertheless: `lobby:knock`
  'denied', // a host did not let you in
  'removed', // a host has removed you from this meeting
  'recorded', // the meeting is recorded: who comes says yes to that first
  'taken', // somebody else does it already
  'ended', // a host has ended this meeting for all
  'invite-needed', // nobody comes to this server's rooms without an invitation
  'sign-in-needed', // nobody comes to this server's rooms without signing in
  'token-expired', // the invitation, or the sign-in, is too old
  'token-used', // the invitation was for one join, and has been used
  'unavailable', // no TURN server is ready yet
  'internal', // a fault of the server, in its log under the same id
] as const

/** The Socket.IO namespace over which pages say how their calls are, and admins hear it. */
export const metricsNamespace = '/meeting-metrics'

/** What a page says of all of its connections together; what each is, is with the schemas of them. */
export const metricFields = [
  'up',
  'down',
  'rtt',
  'min',
  'max',
  'loss',
  'jitter',
  'links',
  'relayed',
] as const
export type MetricField = (typeof metricFields)[number]
/** They only grow. */
export const metricCounters = ['tx', 'rx', 'back'] as const
export type MetricCounter = (typeof metricCounters)[number]
