import { apportion } from './apportion.ts'
import { type Meter, meterRules } from './prices/meters.ts'
import type { Traffic } from './traffic.ts'

/** Traffic of one participant of a sitting; one participant may have several such parts. */
export type Relayed = { participant: string; traffic: Traffic }

export type Billable = {
  /** What the vendor charges, header bytes included. */
  bytes: number
  /** Of `turnToPeer`: what went to another allocation of the same room, and never left. */
  insideBytes: number
}

/**
 * What is charged of the traffic of one sitting (allocations of one room that overlap in time), by
 * part, in the order given. docs/relay-cost.md explains the rule with a worked example.
 *
 * For the meter `egress`: all that TURN sends, to clients and to peers, but not what a relayed
 * participant sends to another relayed participant (a hairpin): that is counted once, when TURN
 * sends it to the other client. `packetOverheadBytes` are added for each packet charged.
 */
export function billableBytes(
  parts: readonly Relayed[],
  rule: { meter: Meter; packetOverheadBytes: number },
): Billable[] {
  const inside = meterRules[rule.meter].toPeerOutside ? splitInside(parts) : parts.map(() => 0)
  return parts.map(({ traffic }, index) => {
    const insideBytes = inside[index] ?? 0
    return { bytes: charged(traffic, insideBytes, rule), insideBytes }
  })
}

function charged(
  traffic: Traffic,
  insideBytes: number,
  { meter, packetOverheadBytes }: { meter: Meter; packetOverheadBytes: number },
): number {
  const toClient = traffic.turnToClientBytes + traffic.turnToClientPackets * packetOverheadBytes
  const rule = meterRules[meter]
  const fromClient = traffic.clientToTurnBytes + traffic.clientToTurnPackets * packetOverheadBytes
  const outsideBytes = traffic.turnToPeerBytes - insideBytes
  const outsideShare = traffic.turnToPeerBytes > 0 ? outsideBytes / traffic.turnToPeerBytes : 1
  const outsidePackets = Math.round(traffic.turnToPeerPackets * outsideShare)
  return (
    rule.toClient * toClient +
    rule.fromClient * fromClient +
    rule.toPeerOutside * (outsideBytes + outsidePackets * packetOverheadBytes)
  )
}

function splitInside(parts: readonly Relayed[]): number[] {
  const toPeer = parts.map(({ traffic }) => traffic.turnToPeerBytes)
  return apportion(hairpinBytes(parts), toPeer)
}

/**
 * The most that can have gone from one relayed participant to another: what leaves one allocation
 * towards a peer arrives at another as from a peer, and nobody relays to themselves. coturn does not
 * say who the peers are, so this is an upper bound of what stayed inside: no byte is charged twice,
 * and where relayed participants also had direct peers some bytes may not be charged at all.
 *
 * It is the maximum flow from senders to receivers with i → i left out; by min-cut
 * min(Σout, Σin, minᵢ (Σout + Σin − outᵢ − inᵢ)).
 */
export function hairpinBytes(parts: readonly Relayed[]): number {
  const byParticipant = new Map<string, { out: number; in: number }>()
  let out = 0
  let arrived = 0
  for (const { participant, traffic } of parts) {
    const own = byParticipant.get(participant) ?? { out: 0, in: 0 }
    own.out += traffic.turnToPeerBytes
    own.in += traffic.peerToTurnBytes
    byParticipant.set(participant, own)
    out += traffic.turnToPeerBytes
    arrived += traffic.peerToTurnBytes
  }
  let most = Math.min(out, arrived)
  for (const own of byParticipant.values()) most = Math.min(most, out + arrived - own.out - own.in)
  return most
}
