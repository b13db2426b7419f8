import { scrub } from './scrub.ts'

export type FaultAbout = { release: string; environment: string; browser: string }
type Frame = { filename: string; function?: string; lineno: number; colno: number }

const framesMax = 30

/**
 * Where an error tracker takes faults, by its DSN (https://develop.sentry.dev/sdk/envelopes/).
 * @throws TypeError where it is none
 */
export function envelopeUrl(dsn: string): string {
  const { protocol, host, pathname, username } = new URL(dsn)
  const [, path = '', project = ''] = /^(.*)\/(\d+)\/?$/.exec(pathname) ?? []
  if (username === '' || project === '') throw new TypeError('a DSN has a key and a project')
  const asked = new URLSearchParams({ sentry_version: '7', sentry_key: username })
  return `${protocol}//${host}${path}/api/${project}/envelope/?${asked}`
}

/**
 * One fault as an envelope: what it was, and where in this page's code it was thrown. The address of the page, who
 * is in it and what they do are not in it.
 *
 * @param known names and rooms of this page
 * @param id 32 hexadecimal digits
 */
export function faultEnvelope(
  fault: unknown,
  about: FaultAbout,
  { id, epochMs, known }: { id: string; epochMs: number; known: readonly string[] },
): string {
  const error = fault instanceof Error ? fault : undefined
  const frames = framesOf(error?.stack ?? '')
  const event = {
    event_id: id,
    timestamp: epochMs / 1000,
    platform: 'javascript',
    level: 'error',
    release: about.release,
    environment: about.environment,
    contexts: { browser: { name: about.browser } },
    exception: {
      values: [
        {
          type: error ? scrub(error.name, known) : 'Unknown',
          value: scrub(error ? error.message : `not an Error: ${typeof fault}`, known),
          mechanism: { type: 'generic', handled: false },
          ...(frames.length > 0 && { stacktrace: { frames } }),
        },
      ],
    },
  }
  const sentAt = new Date(epochMs).toISOString()
  const lines = [{ event_id: id, sent_at: sentAt }, { type: 'event' }, event]
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}

/** Of this site's scripts only: the innermost one comes last. */
function framesOf(stack: string): Frame[] {
  // Chromium: `at name (https://…/assets/x.js:1:2)`; Firefox and Safari: `name@https://…/assets/x.js:1:2`.
  const line =
    /^\s*(?:at )?(?:(?:async )?([\w$.<>#]*)(?: \(|@))?\w+:\/\/[^/\s]+(\/[^\s:?#)]*):(\d+):(\d+)\)?$/
  return stack
    .split('\n')
    .flatMap((text): Frame[] => {
      const found = line.exec(text)
      if (!found) return []
      const [, name = '', path = '', lineno, colno] = found
      return [
        {
          filename: path.replace(/^\/r\/.*/, '/r/[room]'),
          ...(name !== '' && { function: name }),
          lineno: Number(lineno),
          colno: Number(colno),
        },
      ]
    })
    .slice(0, framesMax)
    .reverse()
}
