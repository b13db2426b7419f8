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

export function addTraffic(a: Traffic, b: Partial<Traffic>): Traffic {
  return combine(a, b, (x, y) => x + y)
}

export function subtractTraffic(a: Traffic, b: Traffic): Traffic {
  return combine(a, b, (x, y) => x - y)
}

/** The greater of each counter: how two views of one allocation's cumulative traffic merge. */
export function maxTraffic(a: Traffic, b: Partial<Traffic>): Traffic {
  return combine(a, b, Math.max)
}

export function isNoTraffic(traffic: Traffic): boolean {
  return trafficFields.every((field) => traffic[field] === 0)
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

function combine(a: Traffic, b: Partial<Traffic>, by: (x: number, y: number) => number): Traffic {
  const result = noTraffic()
  for (const field of trafficFields) result[field] = by(a[field], b[field] ?? 0)
  return result
}
