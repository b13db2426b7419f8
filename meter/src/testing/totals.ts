import { expect } from '@jest/globals'
import { eventually, type recordStatsdb } from './servers.ts'

type Lines = Awaited<ReturnType<typeof recordStatsdb>>['lines']

/** Payload on both sides of a TURN server: on the client's with STUN and ChannelData around it. */
export type Legs = {
  clientToTurn: number
  turnToClient: number
  peerToTurn: number
  turnToPeer: number
}

/** What coturn's allocations of a user said when they closed. Added up here by other means than the meter's. */
export function coturnTotals(lines: Lines, username: string): Legs {
  return sum(lines, username, 'total_traffic')
}

/** What they said from time to time, so far. */
export function coturnDeltas(lines: Lines, username: string): Legs {
  return sum(lines, username, 'traffic')
}

/** How many deltas of a user have come. */
export function deltaCount(lines: Lines, username: string): number {
  return lines.filter(
    ({ channel }) => channel.includes(username) && channel.endsWith('/traffic/peer'),
  ).length
}

export async function deltas(lines: Lines, username: string, atLeast: number): Promise<void> {
  await eventually(() => expect(deltaCount(lines, username)).toBeGreaterThanOrEqual(atLeast))
}

/**
 * Waits until so many allocations that carried traffic have said their totals: four where turnutils_uclient's two
 * clients send to each other. One with which it tries the server may be left to expire.
 */
export async function closed(lines: Lines, username: string, allocations = 4): Promise<void> {
  await eventually(() => {
    const totals = lines.filter(
      ({ channel, message }) =>
        channel.includes(username) &&
        channel.endsWith('/total_traffic/peer') &&
        !message.startsWith('rcvp=0,'),
    )
    expect(totals).toHaveLength(allocations)
  })
}

/**
 * Holds what coturn counted against what clients say at their end. A busy machine may lose datagrams, of which
 * nobody knows where; where all have arrived, both say the same to the byte.
 */
export function expectAsClientsSay(
  { turnToPeer, peerToTurn }: Pick<Legs, 'turnToPeer' | 'peerToTurn'>,
  client: { sentBytes: number; receivedBytes: number },
): void {
  if (client.sentBytes === client.receivedBytes)
    expect([turnToPeer, peerToTurn]).toEqual([client.sentBytes, client.receivedBytes])
  expect(turnToPeer).toBeLessThanOrEqual(client.sentBytes)
  expect(peerToTurn).toBeLessThanOrEqual(turnToPeer)
  expect(client.receivedBytes).toBeLessThanOrEqual(peerToTurn)
  expect(client.receivedBytes).toBeGreaterThan(0)
}

function sum(lines: Lines, username: string, kind: 'traffic' | 'total_traffic'): Legs {
  const result = { clientToTurn: 0, turnToClient: 0, peerToTurn: 0, turnToPeer: 0 }
  for (const { channel, message } of lines) {
    const [user, topic] = channel.split(/\/allocation\/\d+\//)
    if (!user?.endsWith(`/user/${username}`)) continue
    const [, received, , sent] = message.match(/\d+/g)?.map(Number) ?? []
    if (topic === kind) {
      result.clientToTurn += received ?? 0
      result.turnToClient += sent ?? 0
    }
    if (topic === `${kind}/peer`) {
      result.peerToTurn += received ?? 0
      result.turnToPeer += sent ?? 0
    }
  }
  return result
}
