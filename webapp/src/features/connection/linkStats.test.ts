import { describe, expect, it } from '@jest/globals'
import { readLinkStats, windowLossPercent } from './linkStats.ts'

const rows = (list: ({ id: string } & Record<string, unknown>)[]) =>
  list.map((row): [string, unknown] => [row.id, row])

const relayed = [
  {
    id: 'T',
    type: 'transport',
    selectedCandidatePairId: 'P',
    bytesSent: 1000,
    bytesReceived: 2000,
    packetsSent: 10,
    packetsReceived: 20,
  },
  { id: 'old', type: 'candidate-pair', localCandidateId: 'H', remoteCandidateId: 'R' },
  {
    id: 'P',
    type: 'candidate-pair',
    localCandidateId: 'L',
    remoteCandidateId: 'R',
    currentRoundTripTime: 0.042,
    bytesSent: 900,
    bytesReceived: 1900,
  },
  { id: 'H', type: 'local-candidate', candidateType: 'host' },
  { id: 'L', type: 'local-candidate', candidateType: 'relay', relayProtocol: 'udp' },
  { id: 'R', type: 'remote-candidate', candidateType: 'srflx' },
  {
    id: 'V',
    type: 'inbound-rtp',
    kind: 'video',
    framesDecoded: 7,
    packetsReceived: 110,
    retransmittedPacketsReceived: 20,
    packetsLost: 1,
  },
  {
    id: 'A',
    type: 'inbound-rtp',
    kind: 'audio',
    packetsReceived: 10,
    packetsLost: 0,
    totalSamplesReceived: 9600,
    concealedSamples: 480,
  },
]

describe('readLinkStats', () => {
  it('REQ-M1: reads the selected pair, not another one', () => {
    expect(readLinkStats(rows(relayed))).toEqual({
      usingRelay: true,
      localCandidateType: 'relay',
      remoteCandidateType: 'srflx',
      relayProtocol: 'udp',
      rttMs: 42,
      limitedByBandwidth: false,
      framesDecoded: 7,
      audioPacketsReceived: 10,
      audioSamples: 9600,
      audioSamplesConcealed: 480,
      packetsReceived: 100,
      packetsLost: 1,
      transport: { bytesSent: 1000, bytesReceived: 2000, packetsSent: 10, packetsReceived: 20 },
    })
  })

  it('REQ-M1: a relay at either end counts as one', () => {
    const remote = relayed.map((row) => {
      if (row.id === 'L') return { ...row, candidateType: 'host' }
      return row.id === 'R' ? { ...row, candidateType: 'relay' } : row
    })
    expect(readLinkStats(rows(remote)).usingRelay).toBe(true)
    const direct = relayed.map((row) => (row.id === 'L' ? { ...row, candidateType: 'host' } : row))
    expect(readLinkStats(rows(direct)).usingRelay).toBe(false)
  })

  it('reads the pair that Firefox marks, which has no transport rows', () => {
    const firefox = relayed
      .filter(({ type }) => type !== 'transport')
      .map((row) => (row.id === 'P' ? { ...row, selected: true } : row))
    const stats = readLinkStats(rows(firefox))
    expect(stats.localCandidateType).toBe('relay')
    expect(stats.transport).toEqual({
      bytesSent: 900,
      bytesReceived: 1900,
      packetsSent: 0,
      packetsReceived: 0,
    })
  })

  it('REQ-M4: knows nothing before a pair is selected', () => {
    const stats = readLinkStats([])
    expect(stats.usingRelay).toBeUndefined()
    expect(stats.rttMs).toBeUndefined()
    expect(stats.transport.bytesSent).toBe(0)
  })
})

describe('windowLossPercent', () => {
  it('REQ-M1: is of the window, not of the call', () => {
    const before = { packetsReceived: 900, packetsLost: 100 }
    expect(windowLossPercent(before, { packetsReceived: 1000, packetsLost: 100 })).toBe(0)
    expect(windowLossPercent(before, { packetsReceived: 975, packetsLost: 125 })).toBe(25)
  })

  it('is undefined where nothing came, and never negative', () => {
    const before = { packetsReceived: 10, packetsLost: 5 }
    expect(windowLossPercent(before, before)).toBeUndefined()
    expect(windowLossPercent(before, { packetsReceived: 20, packetsLost: 3 })).toBe(0)
    // A new connection counts from nothing again.
    expect(windowLossPercent(before, { packetsReceived: 1, packetsLost: 0 })).toBeUndefined()
  })
})
