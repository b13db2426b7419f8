import type { StatsRow } from '../connection/linkStats.ts'
import type { LinkState } from '../connection/PeerLink.ts'

/** One connection as it was read: what getStats() said, and what the connection says of itself. */
export type ConnectionReading = {
  id: string
  /** One of several over the same connection to the SFU. */
  overSfu: boolean
  state: LinkState
  connectionState: RTCPeerConnectionState
  iceConnectionState: RTCIceConnectionState
  rows: StatsRow[]
}

/** What goes to the worker each second. Times are of the page's monotonic clock, in ms. */
export type Readings = {
  atMs: number
  /** By participant. */
  links: ConnectionReading[]
  /** The one connection behind all links that go over the SFU. */
  sfu: ConnectionReading | undefined
}

const kept: Readonly<Record<string, readonly string[]>> = {
  transport: ['selectedCandidatePairId', 'bytesSent', 'bytesReceived'],
  'candidate-pair': [
    'selected',
    'localCandidateId',
    'remoteCandidateId',
    'currentRoundTripTime',
    'totalRoundTripTime',
    'responsesReceived',
    'bytesSent',
    'bytesReceived',
    'availableOutgoingBitrate',
  ],
  'local-candidate': ['candidateType', 'relayProtocol'],
  'remote-candidate': ['candidateType'],
  codec: ['mimeType'],
  'inbound-rtp': [
    'kind',
    'codecId',
    'bytesReceived',
    'headerBytesReceived',
    'packetsReceived',
    'retransmittedPacketsReceived',
    'packetsLost',
    'jitter',
    'frameWidth',
    'frameHeight',
    'framesPerSecond',
  ],
  'outbound-rtp': [
    'kind',
    'codecId',
    'bytesSent',
    'headerBytesSent',
    'packetsSent',
    'retransmittedPacketsSent',
    'frameWidth',
    'frameHeight',
    'framesPerSecond',
  ],
  'remote-inbound-rtp': ['kind', 'roundTripTime'],
}

/**
 * The rows and fields of a stats report that metrics are made of. Everything else, addresses included, stays where
 * it is: less to copy to the worker, and nothing in a fixture that is nobody's business.
 */
export function keptRows(rows: Iterable<readonly [string, unknown]>): StatsRow[] {
  const found: StatsRow[] = []
  const pairs = new Set<unknown>()
  for (const [id, row] of rows) {
    const { type, ...values } = row as StatsRow
    const fields = kept[type]
    if (!fields) continue
    const lean: StatsRow = { id, type }
    for (const field of fields) if (values[field] !== undefined) lean[field] = values[field]
    if (type === 'transport') pairs.add(values.selectedCandidatePairId)
    found.push(lean)
  }
  // Of dozens of pairs and candidates only those that carry something.
  const inUse = (row: StatsRow) => pairs.has(row.id) || row.selected === true
  const candidates = new Set(
    found
      .filter((row) => row.type === 'candidate-pair' && inUse(row))
      .flatMap((row) => [row.localCandidateId, row.remoteCandidateId]),
  )
  return found.filter((row) => {
    if (row.type === 'candidate-pair') return inUse(row)
    return !row.type.endsWith('-candidate') || candidates.has(row.id)
  })
}
