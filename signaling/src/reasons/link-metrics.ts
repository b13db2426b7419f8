import { clientMetrics, type LinkReport } from '@parley/protocol'
import { Counter, Histogram, type Registry } from 'prom-client'

/** Seconds: pages look at their links about once in each. */
const connectBuckets = [1, 2, 3, 5, 10, 15, 30]
/** Errors begin at 0, as a series that begins with its first one hides that. */
const transports = ['udp', 'tcp', 'tls'] as const
const kinds = ['no answer', 'credentials', 'quota', 'other'] as const
/** Links of which it is remembered that they were counted; of more, the oldest are forgotten. */
const linksKnown = 20_000

/**
 * How long links took to connect, and what STUN and TURN servers refused, over all participants (REQ-A6). A link is
 * counted with its first report in which it is connected.
 */
export function createLinkMetrics(
  registry: Registry,
): (participant: string, report: LinkReport) => void {
  const { connectSeconds, iceErrors } = clientMetrics
  const registers = [registry]
  const seconds = new Histogram({
    ...{ name: connectSeconds.name, help: connectSeconds.help, buckets: connectBuckets, registers },
  })
  const errors = new Counter({
    ...{ name: iceErrors.name, help: iceErrors.help, labelNames: iceErrors.labels, registers },
  })
  for (const transport of transports) for (const kind of kinds) errors.inc({ transport, kind }, 0)
  const connected = once(linksKnown)
  const failed = once(linksKnown)
  return (participant, { link, ageMs, selected, ended, errors: seen }) => {
    const key = `${participant} ${link}`
    // Of one that is over, its age is how long it was there.
    if (selected && !ended && connected(key)) seconds.observe(ageMs / 1000)
    for (const { transport, code } of seen)
      if (failed(`${key} ${transport} ${code}`)) errors.inc({ transport, kind: kindOf(code) })
  }
}

/** Codes of STUN are many, and clients say what they like. */
function kindOf(code: number): (typeof kinds)[number] {
  if (code === 701) return 'no answer'
  if (code === 401 || code === 438) return 'credentials'
  if (code === 486 || code === 508) return 'quota'
  return 'other'
}

/** Says of each key once that it is new. */
function once(limit: number): (key: string) => boolean {
  const known = new Set<string>()
  return (key) => {
    if (known.has(key)) return false
    const [oldest] = known
    if (known.size >= limit && oldest !== undefined) known.delete(oldest)
    known.add(key)
    return true
  }
}
