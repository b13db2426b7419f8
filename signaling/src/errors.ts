import type { ErrorCode, ProtocolError } from '@parley/protocol'

/** A refusal with a code that clients act on, and a message that says what to do about it. */
export class SignalingError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SignalingError'
    this.code = code
  }

  toJSON(): ProtocolError {
    return { code: this.code, message: this.message }
  }
}

const atTheDoor: ReadonlySet<ErrorCode> = new Set([
  'waiting',
  'locked',
  'denied',
  'removed',
  'recorded',
  'ended',
  'invite-needed',
  'sign-in-needed',
])

/** It was somebody's wish that this one does not come in, or not yet: no join that failed. */
export function isTurnedAway(error: unknown): boolean {
  return error instanceof SignalingError && atTheDoor.has(error.code)
}

/** The HTTP status that goes with each code. */
export const httpStatus: Record<ErrorCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'not-joined': 409,
  'room-full': 409,
  waiting: 403,
  locked: 403,
  denied: 403,
  removed: 403,
  recorded: 403,
  taken: 409,
  ended: 403,
  'invite-needed': 401,
  'sign-in-needed': 401,
  'token-expired': 401,
  'token-used': 401,
  'rate-limited': 429,
  unavailable: 503,
  internal: 500,
}
