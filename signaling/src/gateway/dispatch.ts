import type { Ack } from '@parley/protocol'
import { SignalingError } from '../errors.ts'
import { firstIssue, toError } from './refusals.ts'
import type { Tasks } from './tasks.ts'
import type { GatewayDeps, Handlers, MeetingSocket } from './types.ts'

/**
 * Gives each message of a socket to its handler, one after the other, and its answer to the client:
 * also where it is not of the protocol, or too many.
 */
export function dispatcher({ limit, log }: GatewayDeps, handlers: Handlers, tasks: Tasks) {
  /** A Map, so that `constructor` or `__proto__` is a name like any other: an unknown one. */
  const byEvent = new Map(Object.entries(handlers))

  async function answer(
    socket: MeetingSocket,
    event: string,
    messages: unknown[],
  ): Promise<Ack<unknown>> {
    try {
      const handler = byEvent.get(event)
      if (!handler) throw new SignalingError('invalid', 'no such event; see the protocol')
      if (messages.length !== 1)
        throw new SignalingError('invalid', `${event} takes one message; it got ${messages.length}`)
      const parsed = handler.schema.safeParse(messages[0])
      if (!parsed.success) throw new SignalingError('invalid', firstIssue(event, parsed.error))
      // The schema and the handler come from the same entry, which the union of them cannot say.
      return { ok: true, data: await handler.handle(socket, parsed.data as never) }
    } catch (error) {
      return { ok: false, error: toError(error, log) }
    }
  }

  /** @param ended runs after everything that the socket has sent */
  return function serve(socket: MeetingSocket, ended: () => Promise<void>) {
    // One message after the other, so that signals arrive in the order in which they were sent.
    let turnOf: Promise<void> = Promise.resolve()
    const enqueue = (task: () => Promise<void>) => {
      turnOf = turnOf.then(task)
      tasks.remember(turnOf)
    }

    socket.onAny((event: string, ...args: unknown[]) => {
      const last = args.at(-1)
      const ack = typeof last === 'function' ? (last as (answer: Ack<unknown>) => void) : () => {}
      const messages = typeof last === 'function' ? args.slice(0, -1) : args
      limit.take(socket.id).then(
        () => enqueue(async () => ack(await answer(socket, event, messages))),
        (error) => ack({ ok: false, error: toError(error, log) }),
      )
    })

    socket.on('disconnect', () => enqueue(ended))
  }
}
