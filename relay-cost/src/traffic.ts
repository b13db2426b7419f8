/**
 * Bytes and packets of one allocation by leg, as coturn counts them: STUN and ChannelData framing
 * included, IP and UDP or TCP headers not.
 */
export type Traffic = {
  clientToTurnBytes: number
  clientToTurnPackets: number
  turnToClientBytes: number
  turnToClientPackets: number
  peerToTurnBytes: number
  peerToTurnPackets: number
  turnToPeerBytes: number
  turnToPeerPackets: number
}

export const trafficFields = [
  'clientToTurnBytes',
  'clientToTurnPackets',
  'turnToClientBytes',
  'turnToClientPackets',
  'peerToTurnBytes',
  'peerToTurnPackets',
  'turnToPeerBytes',
  'turnToPeerPackets',
] as const satisfies readonly (keyof Traffic)[]

export function noTraffic(): Traffic {
  return {
    clientToTurnBytes: 0,
    clientToTurnPackets: 0,
    turnToClientBytes: 0,
    turnToClientPackets: 0,
    peerToTurnBytes: 0,
    peerToTurnPackets: 0,
    turnToPeerBytes: 0,
    turnToPeerPackets: 0,
  }
}

// Written out, field by field: these run for each event of a stream.

export function addTraffic(a: Traffic, b: Partial<Traffic>): Traffic {
  return {
    clientToTurnBytes: a.clientToTurnBytes + (b.clientToTurnBytes ?? 0),
    clientToTurnPackets: a.clientToTurnPackets + (b.clientToTurnPackets ?? 0),
    turnToClientBytes: a.turnToClientBytes + (b.turnToClientBytes ?? 0),
    turnToClientPackets: a.turnToClientPackets + (b.turnToClientPackets ?? 0),
    peerToTurnBytes: a.peerToTurnBytes + (b.peerToTurnBytes ?? 0),
    peerToTurnPackets: a.peerToTurnPackets + (b.peerToTurnPackets ?? 0),
    turnToPeerBytes: a.turnToPeerBytes + (b.turnToPeerBytes ?? 0),
    turnToPeerPackets: a.turnToPeerPackets + (b.turnToPeerPackets ?? 0),
  }
}

export function subtractTraffic(a: Traffic, b: Traffic): Traffic {
  return {
    clientToTurnBytes: a.clientToTurnBytes - b.clientToTurnBytes,
    clientToTurnPackets: a.clientToTurnPackets - b.clientToTurnPackets,
    turnToClientBytes: a.turnToClientBytes - b.turnToClientBytes,
    turnToClientPackets: a.turnToClientPackets - b.turnToClientPackets,
    peerToTurnBytes: a.peerToTurnBytes - b.peerToTurnBytes,
    peerToTurnPackets: a.peerToTurnPackets - b.peerToTurnPackets,
    turnToPeerBytes: a.turnToPeerBytes - b.turnToPeerBytes,
    turnToPeerPackets: a.turnToPeerPackets - b.turnToPeerPackets,
  }
}

/** The greater of each counter: how two views of one allocation's cumulative traffic merge. */
export function maxTraffic(a: Traffic, b: Partial<Traffic>): Traffic {
  return {
    clientToTurnBytes: Math.max(a.clientToTurnBytes, b.clientToTurnBytes ?? 0),
    clientToTurnPackets: Math.max(a.clientToTurnPackets, b.clientToTurnPackets ?? 0),
    turnToClientBytes: Math.max(a.turnToClientBytes, b.turnToClientBytes ?? 0),
    turnToClientPackets: Math.max(a.turnToClientPackets, b.turnToClientPackets ?? 0),
    peerToTurnBytes: Math.max(a.peerToTurnBytes, b.peerToTurnBytes ?? 0),
    peerToTurnPackets: Math.max(a.peerToTurnPackets, b.peerToTurnPackets ?? 0),
    turnToPeerBytes: Math.max(a.turnToPeerBytes, b.turnToPeerBytes ?? 0),
    turnToPeerPackets: Math.max(a.turnToPeerPackets, b.turnToPeerPackets ?? 0),
  }
}

/** Brings each counter up to that of another, in place. */
export function raiseTraffic(to: Traffic, from: Traffic): void {
  to.clientToTurnBytes = Math.max(to.clientToTurnBytes, from.clientToTurnBytes)
  to.clientToTurnPackets = Math.max(to.clientToTurnPackets, from.clientToTurnPackets)
  to.turnToClientBytes = Math.max(to.turnToClientBytes, from.turnToClientBytes)
  to.turnToClientPackets = Math.max(to.turnToClientPackets, from.turnToClientPackets)
  to.peerToTurnBytes = Math.max(to.peerToTurnBytes, from.peerToTurnBytes)
  to.peerToTurnPackets = Math.max(to.peerToTurnPackets, from.peerToTurnPackets)
  to.turnToPeerBytes = Math.max(to.turnToPeerBytes, from.turnToPeerBytes)
  to.turnToPeerPackets = Math.max(to.turnToPeerPackets, from.turnToPeerPackets)
}

export function isNoTraffic(traffic: Traffic): boolean {
  return trafficFields.every((field) => traffic[field] === 0)
}

/** Whether bytes and packets of all four legs can be added up: past 2^53 sums would be rounded. */
export function canBeSummed(traffic: Traffic): boolean {
  const packets =
    traffic.clientToTurnPackets +
    traffic.turnToClientPackets +
    traffic.peerToTurnPackets +
    traffic.turnToPeerPackets
  return Number.isSafeInteger(relayedBytes(traffic)) && Number.isSafeInteger(packets)
}

/** Bytes of all four legs. */
export function relayedBytes(traffic: Traffic): number {
  return (
    traffic.clientToTurnBytes +
    traffic.turnToClientBytes +
    traffic.peerToTurnBytes +
    traffic.turnToPeerBytes
  )
}
