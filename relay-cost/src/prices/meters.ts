/**
 * Which bytes a vendor charges.
 * - `egress`: all that leaves to the internet, to clients and to peers; other zones, regions and
 *   nodes once each, at the prices that the list has for them
 * - `aws`: as `egress`, but a byte from one zone to another is charged twice, where it leaves and
 *   where it arrives
 * - `gcp`, `azure`: as `egress` (Azure's lists have 0 for another zone); what tells them apart is in
 *   the prices and in `networkTier`
 * - `to-client`: what TURN sends to its clients (managed TURN of the Cloudflare kind)
 * - `sent-and-received`: both directions of the client leg (managed TURN of the Twilio kind)
 * - `flat-rate`: no bytes, but the hours in which somebody was relayed
 */
export const meters = [
  'egress',
  'aws',
  'gcp',
  'azure',
  'to-client',
  'sent-and-received',
  'flat-rate',
] as const
export type Meter = (typeof meters)[number]

/**
 * A meter in numbers: how often it counts a byte of each leg. What a vendor charges is so a linear
 * function of summed traffic, and can be taken of sums as well as of single allocations.
 */
export type MeterRule = {
  /** TURN → client. */
  toClient: 0 | 1
  /** Client → TURN. */
  fromClient: 0 | 1
  /** TURN → peer, the part that leaves to the internet (what stayed inside is not in it). */
  toPeerOutside: 0 | 1
  /** TURN → peer in another zone of the region. */
  crossZone: 0 | 1 | 2
  /** TURN → peer in another region of ours. */
  interRegion: 0 | 1
  /** TURN → peer on the same node or in the same zone. */
  sameNode: 0 | 1
  /** Hours of relaying instead of bytes. */
  relayedHours: 0 | 1
}

const cloud: MeterRule = {
  toClient: 1,
  fromClient: 0,
  toPeerOutside: 1,
  crossZone: 1,
  interRegion: 1,
  sameNode: 1,
  relayedHours: 0,
}
const managed: MeterRule = {
  ...{ toClient: 1, fromClient: 0, toPeerOutside: 0 },
  ...{ crossZone: 0, interRegion: 0, sameNode: 0, relayedHours: 0 },
}

export const meterRules: Readonly<Record<Meter, MeterRule>> = {
  egress: cloud,
  aws: { ...cloud, crossZone: 2 },
  gcp: cloud,
  azure: cloud,
  'to-client': managed,
  'sent-and-received': { ...managed, fromClient: 1 },
  'flat-rate': { ...managed, toClient: 0, relayedHours: 1 },
}
