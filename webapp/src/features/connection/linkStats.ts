/** One reading of a peer connection's getStats(), reduced to what Parley shows and publishes. */
export type LinkStats = {
  /** Local or remote candidate of the selected pair is a relay (REQ-M1). Undefined: no pair yet. */
  usingRelay: boolean | undefined
  localCandidateType: RTCIceCandidateType | undefined
  remoteCandidateType: RTCIceCandidateType | undefined
  /** How the client reaches its relay; undefined where the local candidate is none. */
  relayProtocol: string | undefined
  /** Of the selected pair. They leave the page only in a report that the person wants them in. */
  localAddress: string | undefined
  remoteAddress: string | undefined
  rttMs: number | undefined
  /** Room for everything that is sent, as the browser estimates it; not every browser does. */
  availableKbps: number | undefined
  /** A picture that is sent is smaller or slower than it was to be, for want of room. */
  limitedByBandwidth: boolean
  framesDecoded: number
  /** Sums over decoded frames of the time since the frame before, and of its square. */
  interFrameMs: number | undefined
  squaredInterFrameMs: number | undefined
  audioPacketsReceived: number
  /** Of sound that was played, and how many of these were made up in place of what did not come. */
  audioSamples: number
  audioSamplesConcealed: number
  /** Without those that were sent again: what of them is lost is in no count. */
  packetsReceived: number
  packetsLost: number
  /**
   * Of the ICE transport: every byte and packet handed to it since the connection began, with RTP,
   * SRTP, RTCP, DTLS and SCTP headers; without UDP, IP and TURN headers and STUN checks.
   */
  transport: {
    bytesSent: number
    bytesReceived: number
    packetsSent: number
    packetsReceived: number
  }
}

/** Traffic of one transport, or of several together. */
export type Totals = LinkStats['transport']

export const noTraffic: Totals = {
  bytesSent: 0,
  bytesReceived: 0,
  packetsSent: 0,
  packetsReceived: 0,
}

export function addTotals(a: Totals, b: Totals): Totals {
  return {
    bytesSent: a.bytesSent + b.bytesSent,
    bytesReceived: a.bytesReceived + b.bytesReceived,
    packetsSent: a.packetsSent + b.packetsSent,
    packetsReceived: a.packetsReceived + b.packetsReceived,
  }
}

/** What browsers report, of which lib.dom.d.ts knows only a part. */
export type StatsRow = { id: string; type: string } & Record<string, unknown>

export function statsRows(report: Iterable<[string, unknown]>): StatsRow[] {
  return [...report].map(([id, row]) => ({ ...(row as StatsRow), id }))
}

/** Reads a stats report; a counter that a browser does not have counts as 0. */
export function readLinkStats(report: Iterable<[string, unknown]>): LinkStats {
  const all = statsRows(report)
  const rows = new Map(all.map((row) => [row.id, row]))
  const transports = all.filter((row) => row.type === 'transport')
  const inbound = all.filter((row) => row.type === 'inbound-rtp')
  const pair = selectedPair(all)
  const local = pair && rows.get(text(pair.localCandidateId) ?? '')
  const remote = pair && rows.get(text(pair.remoteCandidateId) ?? '')
  const counted = transports.some((row) => row.bytesSent !== undefined)
    ? transports
    : pair
      ? [pair]
      : []
  const rtt = pair?.currentRoundTripTime
  const audio = inbound.filter((row) => row.kind === 'audio')
  const video = inbound.filter((row) => row.totalSquaredInterFrameDelay !== undefined)
  return {
    usingRelay: pair
      ? local?.candidateType === 'relay' || remote?.candidateType === 'relay'
      : undefined,
    localCandidateType: text(local?.candidateType) as RTCIceCandidateType | undefined,
    remoteCandidateType: text(remote?.candidateType) as RTCIceCandidateType | undefined,
    relayProtocol: text(local?.relayProtocol),
    localAddress: text(local?.address),
    remoteAddress: text(remote?.address),
    availableKbps: roomToSend(all, transports, pair),
    limitedByBandwidth: all.some((row) => row.qualityLimitationReason === 'bandwidth'),
    rttMs: typeof rtt === 'number' && Number.isFinite(rtt) ? rtt * 1000 : undefined,
    framesDecoded: sum(inbound, 'framesDecoded'),
    interFrameMs: video.length > 0 ? sum(video, 'totalInterFrameDelay') * 1e3 : undefined,
    squaredInterFrameMs:
      video.length > 0 ? sum(video, 'totalSquaredInterFrameDelay') * 1e6 : undefined,
    audioPacketsReceived: sum(audio, 'packetsReceived'),
    audioSamples: sum(audio, 'totalSamplesReceived'),
    audioSamplesConcealed: sum(audio, 'concealedSamples'),
    packetsReceived: sum(inbound, 'packetsReceived') - sum(inbound, 'retransmittedPacketsReceived'),
    packetsLost: sum(inbound, 'packetsLost'),
    transport: {
      bytesSent: sum(counted, 'bytesSent'),
      bytesReceived: sum(counted, 'bytesReceived'),
      packetsSent: sum(counted, 'packetsSent'),
      packetsReceived: sum(counted, 'packetsReceived'),
    },
  }
}

/**
 * Loss over the window between two readings, not over the whole call (REQ-M1).
 * @returns 0–100; undefined where nothing was expected in the window.
 */
export function windowLossPercent(
  before: Pick<LinkStats, 'packetsReceived' | 'packetsLost'> | undefined,
  now: Pick<LinkStats, 'packetsReceived' | 'packetsLost'>,
): number | undefined {
  const received = now.packetsReceived - (before?.packetsReceived ?? 0)
  const lost = now.packetsLost - (before?.packetsLost ?? 0)
  const expected = received + lost
  // packetsLost falls when a packet thought lost arrives late or twice: that is no loss.
  if (expected <= 0 || received < 0) return undefined
  return (Math.max(0, lost) / expected) * 100
}

/** The candidate pair that carries the media. */
export function selectedPair(all: readonly StatsRow[]): StatsRow | undefined {
  for (const { type, selectedCandidatePairId } of all) {
    const pair = type === 'transport' && all.find(({ id }) => id === selectedCandidatePairId)
    if (pair) return pair
  }
  // Firefox has no transport rows, and marks the pair itself.
  return all.find((row) => row.type === 'candidate-pair' && row.selected === true)
}

/** Where one connection receives and another one sends, the one that sends has found the most. */
function roomToSend(
  all: readonly StatsRow[],
  transports: readonly StatsRow[],
  selected: StatsRow | undefined,
): number | undefined {
  const pairs = transports.map((one) => all.find(({ id }) => id === one.selectedCandidatePairId))
  const bits = [...pairs, selected]
    .map((pair) => pair?.availableOutgoingBitrate)
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  return bits.length > 0 ? Math.max(...bits) / 1000 : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function sum(rows: StatsRow[], field: string): number {
  return rows.reduce((total, row) => {
    const value = row[field]
    return total + (typeof value === 'number' ? value : 0)
  }, 0)
}

/** lib.dom.d.ts gives RTCStatsReport only a forEach. */
export function rowsOf(report: RTCStatsReport): [string, unknown][] {
  const rows: [string, unknown][] = []
  report.forEach((row, id) => {
    rows.push([id, row])
  })
  return rows
}
