import { SignalingError } from './Signaling.ts'

/** What an error says of the way on. */
const isOneOf = (codes: readonly string[]) => (error: unknown) =>
  error instanceof SignalingError && codes.includes(error.code)

/** No answer at all from the server. */
export const isOffline = isOneOf(['offline'])

/** Not to be had of the server now: it has no store for its rooms, or no relay yet. */
export const isUnavailable = isOneOf(['unavailable'])

/** A host may let in nevertheless. */
export const isAtTheDoor = isOneOf(['waiting', 'locked'])

/** The token ran out, or is of another server. */
export const isUnauthenticated = isOneOf(['unauthenticated'])

/** Of a seat that was lost: trying again by itself changes nothing. */
export const isFinal = isOneOf([
  'recorded',
  'room-full',
  'forbidden',
  'denied',
  'removed',
  'ended',
  'invite-needed',
  'sign-in-needed',
  'token-expired',
  'token-used',
])

/** Of a meeting that is over for this one: nothing of it is kept. */
export const isOver = isOneOf(['denied', 'removed', 'ended'])

/** Of a report that was not taken: it may be taken later. */
export const isPassing = isOneOf(['offline', 'rate-limited', 'unavailable', 'not-joined'])
