import type { StatsdbLine } from '@parley/protocol'
import type { Traffic } from './traffic.ts'

/** One allocation as coturn's channels name it. Unique only while one coturn process lives. */
export type AllocationRef = { realm: string; username: string; id: string }

/** How the client reaches coturn. */
export type Transport = 'udp' | 'tcp' | 'tls' | 'dtls' | 'sctp'

/** All of them, and what is said where it is not known. */
export const transports: readonly (Transport | '')[] = ['', 'udp', 'tcp', 'tls', 'dtls', 'sctp']

/** One leg pair of an allocation: client↔TURN (plain channels) or TURN↔peer (`/peer` channels). */
export type LegTraffic = Partial<Traffic>

export type StatsdbEvent = { at: number; allocation: AllocationRef } & (
  | {
      kind: 'allocation-new' | 'allocation-refreshed'
      lifetimeSeconds: number
      /** `ip:port` of the client; with the ref it tells one coturn process's allocation from the next's. */
      remote: string
      transport: Transport | ''
    }
  | { kind: 'allocation-deleted' }
  /** Traffic since the last such message. */
  | { kind: 'traffic' | 'traffic/peer'; traffic: LegTraffic }
  /** Traffic of the whole allocation, said once, after `allocation-deleted`. */
  | { kind: 'total_traffic' | 'total_traffic/peer'; traffic: LegTraffic }
)

export type StatsdbRejection = { rejected: string }

const channelPattern =
  /^turn\/realm\/([^/]+)\/user\/(.*)\/allocation\/(\d+)\/(status|traffic|traffic\/peer|total_traffic|total_traffic\/peer)$/
const countersPattern = /^rcvp=(\d+), rcvb=(\d+), sentp=(\d+), sentb=(\d+)$/
/** Seconds are 32 bits in STUN's LIFETIME (RFC 8656, section 18.2). */
const longestLifetime = 2 ** 32 - 1
const statusPattern = /^(new|refreshed) lifetime=(\d+)((?:, [a-z]+=[^,]*)*)$/

/**
 * Reads one message of coturn's statsdb (the Redis channels `turn/realm/…`, coturn's
 * src/apps/relay/ns_ioalib_engine_impl.c and userdb). Never throws: what is of no known form comes
 * back as a rejection that says why.
 */
export function parseStatsdb({
  t,
  channel,
  message,
}: StatsdbLine): StatsdbEvent | StatsdbRejection {
  const named = channelPattern.exec(channel)
  if (!named) return { rejected: `unknown channel ${quote(channel)}` }
  const [, realm, username, id, topic] = named as unknown as [
    string,
    string,
    string,
    string,
    string,
  ]
  const event = { at: t, allocation: { realm, username, id } }
  if (topic === 'status') return parseStatus(event, message)
  return parseCounters(event, topic as CounterTopic, message)
}

type CounterTopic = 'traffic' | 'traffic/peer' | 'total_traffic' | 'total_traffic/peer'
type EventBase = Pick<StatsdbEvent, 'at' | 'allocation'>

function parseStatus(event: EventBase, message: string): StatsdbEvent | StatsdbRejection {
  if (message === 'deleted') return { ...event, kind: 'allocation-deleted' }
  const status = statusPattern.exec(message)
  if (!status) return { rejected: `unknown status ${quote(message)}` }
  const lifetimeSeconds = Number(status[2])
  if (lifetimeSeconds > longestLifetime)
    return { rejected: `a lifetime is past 2^32 seconds: ${quote(message)}` }
  const [, verb, , details] = status as unknown as [string, string, string, string]
  const detail = new Map(
    details
      .split(', ')
      .filter(Boolean)
      .map((pair) => pair.split(/=(.*)/s) as [string, string]),
  )
  return {
    ...event,
    kind: verb === 'new' ? 'allocation-new' : 'allocation-refreshed',
    lifetimeSeconds,
    remote: detail.get('remote') ?? '',
    transport: transportOf(detail.get('type') ?? '', detail.get('ssl') ?? 'NONE'),
  }
}

function transportOf(type: string, ssl: string): Transport | '' {
  const secured = ssl !== 'NONE' && ssl !== ''
  if (type.startsWith('DTLS')) return 'dtls'
  if (type.startsWith('TLS')) return 'tls'
  if (type.startsWith('UDP')) return secured ? 'dtls' : 'udp'
  if (type.startsWith('TCP')) return secured ? 'tls' : 'tcp'
  return type.startsWith('SCTP') ? 'sctp' : ''
}

function parseCounters(
  event: EventBase,
  kind: CounterTopic,
  message: string,
): StatsdbEvent | StatsdbRejection {
  const counters = countersPattern.exec(message)
  if (!counters) return { rejected: `counters are not four whole numbers: ${quote(message)}` }
  const [receivedPackets, receivedBytes, sentPackets, sentBytes] = counters
    .slice(1)
    .map(Number) as [number, number, number, number]
  if (![receivedPackets, receivedBytes, sentPackets, sentBytes].every(Number.isSafeInteger))
    return { rejected: `a counter is past 2^53: ${quote(message)}` }
  const traffic: LegTraffic = kind.endsWith('/peer')
    ? {
        peerToTurnPackets: receivedPackets,
        peerToTurnBytes: receivedBytes,
        turnToPeerPackets: sentPackets,
        turnToPeerBytes: sentBytes,
      }
    : {
        clientToTurnPackets: receivedPackets,
        clientToTurnBytes: receivedBytes,
        turnToClientPackets: sentPackets,
        turnToClientBytes: sentBytes,
      }
  return { ...event, kind, traffic }
}

function quote(text: string): string {
  const quoted = JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
  // JSON escapes no C1 and no bidirectional controls, which a terminal obeys.
  return quoted.replaceAll(
    /[\p{Cc}\p{Cf}]/gu,
    (control) => `\\u{${control.codePointAt(0)?.toString(16)}}`,
  )
}
