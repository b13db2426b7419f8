import type { Quantities } from './prices/cost.ts'
import { meterRules } from './prices/meters.ts'
import type { Prices } from './prices/prices.ts'
import type { Transport } from './statsdb.ts'
import type { CellSums } from './usage.ts'

/**
 * Bytes that a message of the client leg has on the wire beyond those of IP and UDP, where each is a
 * segment or record of its own. docs/relay-cost.md has the arithmetic.
 * - TCP: a header of 20 bytes and timestamps of 12, less the 8 of UDP
 * - TLS 1.3 on top: record header 5, content type 1, tag 16
 * - DTLS 1.2: record header 13, explicit nonce 8, tag 16
 * - SCTP: common header 12 and DATA chunk header 16, less the 8 of UDP
 */
export const extraHeaderBytes: Readonly<Record<Transport, number>> = {
  udp: 0,
  tcp: 24,
  tls: 46,
  dtls: 37,
  sctp: 20,
}

/**
 * What a price list charges of summed usage. Linear: the quantities of two sums together are those of
 * each added up, so it makes no difference whether cells or their sums are priced.
 */
export function quantitiesOf(
  sums: CellSums,
  { meter, packetOverheadBytes }: Pick<Prices, 'meter' | 'packetOverheadBytes'>,
): Quantities {
  const rule = meterRules[meter]
  const peer = (bytes: number, packets: number) => bytes + packets * packetOverheadBytes
  // Where a vendor charges no headers of UDP it charges none of TCP.
  const extra = packetOverheadBytes > 0 && sums.transport ? extraHeaderBytes[sums.transport] : 0
  const client = (bytes: number, packets: number) => peer(bytes, packets) + packets * extra
  const outsideBytes =
    sums.turnToPeerBytes - sums.insideBytes - sums.crossZoneBytes - sums.interRegionBytes
  const outsidePackets =
    sums.turnToPeerPackets - sums.insidePackets - sums.crossZonePackets - sums.interRegionPackets
  return {
    internetBytes:
      rule.toClient * client(sums.turnToClientBytes, sums.turnToClientPackets) +
      rule.fromClient * client(sums.clientToTurnBytes, sums.clientToTurnPackets) +
      rule.toPeerOutside * (peer(outsideBytes, outsidePackets) + sums.unseenSentBytes),
    crossZoneBytes:
      rule.crossZone *
      (peer(sums.crossZoneBytes, sums.crossZonePackets) +
        peer(sums.crossZoneInBytes, sums.crossZoneInPackets)),
    interRegionBytes:
      rule.interRegion *
      (peer(sums.interRegionBytes, sums.interRegionPackets) +
        peer(sums.interRegionInBytes, sums.interRegionInPackets)),
    sameNodeBytes: rule.sameNode * peer(sums.insideBytes, sums.insidePackets),
    relayedMilliseconds: rule.relayedHours * sums.userMilliseconds,
  }
}
