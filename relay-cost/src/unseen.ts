import { type AllocationRecord, hourOf, isOpen, totalOf } from './allocation.ts'
import { extraHeaderBytes } from './billable.ts'
import type { Traffic } from './traffic.ts'
import { noUsage, type UsageCell } from './usage.ts'

/**
 * What a node, or coturn itself, has sent and received since it started, by counters of its own.
 * - `coturn`: its Prometheus `turn_traffic_*` (bytes as statsdb counts them). They move when a session
 *   ends, so they are held against allocations that have ended.
 * - `interface`: the network interface (`/proc/net/dev`), headers included, and everything else that
 *   the node does: give the traffic of TURN's ports alone, as a rule of the firewall counts it, or of
 *   a node that does nothing else.
 * A counter that falls is one that began anew: what it came to before stays counted.
 */
export type NodeCounters = {
  /** coturn's realm: `<pod>.<cluster>`. */
  realm: string
  /** Epoch ms of the sample. */
  at: number
  source: 'coturn' | 'interface'
  sentBytes: number
  receivedBytes: number
}

/** What was counted of a realm in a span of time, and how much of it no allocation has. */
export type Unseen = {
  realm: string
  source: NodeCounters['source']
  /** Epoch ms of the first and last sample. */
  from: number
  to: number
  /** By the counters. */
  sentBytes: number
  receivedBytes: number
  /** Of that, beyond all allocations; 0 within the tolerance. */
  unseenSentBytes: number
  unseenReceivedBytes: number
  /** Why nothing is said: the counters and the allocations cannot be compared as they are. */
  pending?: 'open allocations' | 'one sample'
}

/** Interface counters and allocations may differ so much: retransmissions, ARP, STUN of others. */
const interfaceTolerance = 0.005

/**
 * Holds counters of nodes against allocations, realm by realm and source by source, between the first
 * and the last sample of each. While an allocation of the realm is open nothing is said of it: up to
 * 4,096 packets of it are not published yet, and would look lost.
 * @param allocations all of the realms' allocations that were alive between the samples, joined
 * @param packetOverheadBytes what an interface counts beyond coturn, a packet; 28 for IPv4 and UDP
 */
export function reconcileNodes(
  samples: Iterable<NodeCounters>,
  allocations: readonly AllocationRecord[],
  { packetOverheadBytes = 28 }: { packetOverheadBytes?: number } = {},
): Unseen[] {
  const bySource = Map.groupBy(samples, ({ realm, source }) => `${realm}\n${source}`)
  const byRealm = Map.groupBy(allocations, ({ realm }) => realm)
  return [...bySource.values()].flatMap((own) => {
    const sorted = own.toSorted((a, b) => a.at - b.at)
    const [first, last] = [sorted[0], sorted.at(-1)]
    if (!first || !last) return []
    const records = byRealm.get(first.realm) ?? []
    const counted = {
      sentBytes: growth(sorted, 'sentBytes'),
      receivedBytes: growth(sorted, 'receivedBytes'),
    }
    const of = { realm: first.realm, source: first.source, from: first.at, to: last.at, ...counted }
    const nothing = { ...of, unseenSentBytes: 0, unseenReceivedBytes: 0 }
    if (sorted.length === 1) return [{ ...nothing, pending: 'one sample' as const }]
    const wasOpen = (at: number) =>
      records.some((record) => record.openedAt < at && isOpen(record, at))
    if (wasOpen(first.at) || wasOpen(last.at))
      return [{ ...nothing, pending: 'open allocations' as const }]
    const seen = seenBetween(records, of, packetOverheadBytes)
    const beyond = (all: number, known: number) => {
      const gap = all - known
      return gap > (of.source === 'interface' ? all * interfaceTolerance : 0) ? gap : 0
    }
    return [
      {
        ...of,
        unseenSentBytes: beyond(of.sentBytes, seen.sent),
        unseenReceivedBytes: beyond(of.receivedBytes, seen.received),
      },
    ]
  })
}

/** How much a counter grew over its samples; a fall is a new beginning at 0. */
function growth(samples: readonly NodeCounters[], field: 'sentBytes' | 'receivedBytes'): number {
  let sum = 0
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1]
    if (before)
      sum += sample[field] >= before[field] ? sample[field] - before[field] : sample[field]
  }
  return sum
}

function seenBetween(
  records: readonly AllocationRecord[],
  { from, to, source }: { from: number; to: number; source: NodeCounters['source'] },
  overhead: number,
): { sent: number; received: number } {
  let [sent, received] = [0, 0]
  for (const record of records) {
    // Nothing is open at either end, so an allocation lies between the samples or outside of them.
    if (record.openedAt < from || record.openedAt >= to) continue
    const total = totalOf(record)
    const extra = record.transport ? extraHeaderBytes[record.transport] : 0
    const headers =
      source === 'interface' ? headersOf(total, overhead, extra) : { sent: 0, received: 0 }
    sent += total.turnToClientBytes + total.turnToPeerBytes + headers.sent
    received += total.clientToTurnBytes + total.peerToTurnBytes + headers.received
  }
  return { sent, received }
}

function headersOf(traffic: Traffic, overhead: number, extra: number) {
  return {
    sent: traffic.turnToClientPackets * (overhead + extra) + traffic.turnToPeerPackets * overhead,
    received:
      traffic.clientToTurnPackets * (overhead + extra) + traffic.peerToTurnPackets * overhead,
  }
}

/**
 * Usage cells of what only nodes counted, so that reports and rollups show it: under no identity, in
 * the hour of the last sample, in no leg. Give each gap once.
 */
export function unseenCells(
  unseen: Iterable<Unseen>,
  place: { region: string; zoneOf?: (realm: string) => string },
): UsageCell[] {
  return [...unseen]
    .filter((gap) => gap.unseenSentBytes + gap.unseenReceivedBytes > 0)
    .map(({ realm, to, unseenSentBytes, unseenReceivedBytes }) => ({
      ...noUsage(),
      ...{ tenant: '', room: '', participant: '', realm },
      ...{
        region: place.region,
        zone: place.zoneOf?.(realm) ?? '',
        transport: '',
        reason: 'unknown',
      },
      hour: hourOf(Math.max(to - 1, 0)),
      unseenSentBytes,
      unseenReceivedBytes,
      unattributedBytes: unseenSentBytes + unseenReceivedBytes,
    }))
}
