import { createStackParser, createTransport, type ErrorEvent, Scope } from '@sentry/core'
import { nodeStackLineParser, ServerRuntimeClient } from '@sentry/core/server'

/** Where faults of this process are told. */
export type FaultReports = {
  /** Never throws, and nobody waits for it. @param id by which the log has it */
  report(fault: unknown, what: string, id?: string): void
  /** What is on its way is sent, for so long at most. */
  close(withinMs?: number): Promise<void>
}

export const noFaultReports: FaultReports = { report() {}, async close() {} }

const closeMs = 2000
const requestMs = 5000
/** A fault that comes with every message says nothing new the hundredth time. */
const mostAMinute = 30

/**
 * Tells faults to an error tracker that speaks the protocol of Sentry (https://develop.sentry.dev/sdk/envelopes/): the
 * type, the text without what could be a secret or a person, and where it was thrown. Nothing of requests, of messages
 * or of who sent them.
 *
 * @param about the same of every fault
 * @param now epoch milliseconds
 */
export function faultReports(
  dsn: string,
  about: { release: string; environment: string; region: string },
  now: () => number,
): FaultReports {
  const { release, environment, region } = about
  const client = new ServerRuntimeClient({
    ...{ dsn, release, environment },
    platform: 'node',
    runtime: { name: 'node', version: process.versions.node },
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    // Faults alone: no spans, no sessions, no counts of what was dropped.
    traceLifecycle: 'static',
    sendClientReports: false,
    maxBreadcrumbs: 0,
    beforeSend: bareEvent,
    transport: (options) =>
      createTransport(options, async ({ body }) => {
        const response = await fetch(options.url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-sentry-envelope' },
          body: body as string,
          signal: AbortSignal.timeout(requestMs),
        })
        // Read to its end, or the connection is not used again.
        await response.arrayBuffer()
        const limits = {
          'x-sentry-rate-limits': response.headers.get('x-sentry-rate-limits'),
          'retry-after': response.headers.get('retry-after'),
        }
        return { statusCode: response.status, headers: limits }
      }),
  })
  client.init()
  let minute = { at: 0, count: 0 }
  return {
    report(fault, what, id) {
      if (now() - minute.at >= 60_000) minute = { at: now(), count: 0 }
      if (++minute.count > mostAMinute) return
      const scope = new Scope()
      scope.setTags({ region, what, ...(id !== undefined && { id }) })
      const error = fault instanceof Error ? fault : new Error(`not an Error: ${typeof fault}`)
      client.captureException(error, { mechanism: { type: 'generic', handled: true } }, scope)
    },
    async close(withinMs = closeMs) {
      await client.close(withinMs)
    },
  }
}

/** What of an event is sent: an allow list, so that a newer library sends no more. */
export function bareEvent(event: ErrorEvent): ErrorEvent {
  const { event_id, timestamp, platform, level, release, environment, tags, contexts } = event
  const runtime = contexts?.runtime
  return {
    type: undefined,
    ...bare({ event_id, timestamp, platform, level, release, environment, tags }),
    ...(runtime && { contexts: { runtime } }),
    exception: {
      values: (event.exception?.values ?? []).map(({ type, value, mechanism, stacktrace }) => ({
        ...bare({ type, mechanism: mechanism && { type: mechanism.type, handled: true } }),
        value: withoutSecrets(value ?? ''),
        stacktrace: {
          frames: (stacktrace?.frames ?? []).map(({ filename, function: name, lineno, colno }) =>
            bare({ filename: filename && ofThis(filename), function: name, lineno, colno }),
          ),
        },
      })),
    },
  }
}

/** Without what is not there. */
function bare<T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never
}

/** A path of this software, wherever it is installed. */
function ofThis(filename: string): string {
  return filename.replace(/^.*?((?:node_modules|signaling|protocol|src)\/)/, '$1')
}

const textMax = 300

/** The text of a fault, without tokens, passwords, addresses of people and what stood in quotes. */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, 10 * textMax)
    .replace(/[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, '[token]')
    .replace(/\b(\w+:\/\/)[^\s/@]*@/g, '$1[secret]@')
    .replace(/[^\s@"']+@[^\s@"']+\.[a-z]{2,}/gi, '[mail]')
    .replace(/\b\d{1,3}(\.\d{1,3}){3}\b/g, '[address]')
    .replace(/(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])/gi, '[address]')
    .replace(/"[^"]*"/g, '"…"')
    .replace(/'[^']*'/g, "'…'")
    .replace(/\b[A-Za-z0-9+/_-]{32,}={0,2}/g, '[secret]')
    .slice(0, textMax)
}
