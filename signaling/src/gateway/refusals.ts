import type { Logger } from 'pino'
import type { z } from 'zod'
import { SignalingError } from '../errors.ts'

export function notJoined(): SignalingError {
  return new SignalingError('not-joined', 'send room:join first')
}

/** One issue is enough to mend a message, and it keeps the answer small whatever was sent. */
export function firstIssue(event: string, error: z.ZodError): string {
  const issue = error.issues[0]
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  return `${event}: ${place}${issue?.message ?? 'malformed'}`.slice(0, 200)
}

/** What a client is told; what only the server may know goes to its log under a common id. */
export function toError(error: unknown, log: Logger) {
  if (error instanceof SignalingError) return error.toJSON()
  const id = crypto.randomUUID()
  log.error({ err: error, id }, 'request failed')
  return { code: 'internal' as const, message: `the server failed; its log has it as ${id}` }
}

/** Socket.IO hands `data` of a middleware's error to the client's `connect_error`. */
export function handshakeError(error: unknown, log: Logger): Error {
  const data = toError(error, log)
  return Object.assign(new Error(data.code), { data })
}
