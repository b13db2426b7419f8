import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'

/** What a browser says of one of its connections; packets as RTP counts them. */
export type ConnectionAccount = {
  /** It was closed before the page was asked: another one took its place, or the call was over. */
  closed: boolean
  /** Of the ICE transport: UDP payloads, without STUN's checks and TURN's headers. */
  bytesSent: number
  packetsSent: number
  bytesReceived: number
  packetsReceived: number
  /** Candidate pairs that were left, and the checks that were sent and answered over them. */
  pairs: number
  checksSent: number
  checksAnswered: number
  /** Missed by this page; and missed by the other end, as it said. */
  packetsLost: number
  packetsLostThere: number
  /** Within what was sent: once more, and headers of RTP. */
  retransmittedBytes: number
  headerBytes: number
}

type Ledger = { read(): Promise<ConnectionAccount[]>; hush(): Promise<void> }
type LedgerWindow = { transportLedger: Ledger }

/**
 * Counts whatever the connections of a page carry, from the first to the last. A page makes another connection where
 * one does not come about or breaks, and nobody can ask a connection that is closed: so each is read, then closed.
 * To be called before the page is opened.
 */
export async function keepTransportLedger(page: Page): Promise<void> {
  await page.addInitScript(ledger)
}

/** Every connection that the page has had, once those that are being closed are read. */
export function readTransportLedger(page: Page): Promise<ConnectionAccount[]> {
  return page.evaluate(() => (window as unknown as LedgerWindow).transportLedger.read())
}

/**
 * Nobody sends media any more, and what was under way has arrived. What is read from now on is what a connection
 * came to: on a busy machine a second of media passes between the reading of a connection and its end.
 */
export async function hush(pages: readonly Page[]): Promise<void> {
  const call = (page: Page) =>
    page.evaluate(() => (window as unknown as LedgerWindow).transportLedger.hush())
  await Promise.all(pages.map(call))
  let before = { at: 0, bytes: Number.NaN }
  for (let looks = 0; looks < patientLooks; looks++) {
    const accounts = (await Promise.all(pages.map(readTransportLedger))).flat()
    const now = {
      at: Date.now(),
      bytes: accounts.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
    }
    const bytesPerMs = (now.bytes - before.bytes) / (now.at - before.at)
    if (bytesPerMs <= accounts.length * stillBytesPerMs) return
    before = now
    await delay(lookMs)
  }
}

/** A connection without media carries heartbeats and reports of RTP; voice alone would be 4 or more. */
const stillBytesPerMs = 2
const lookMs = 250
/** Who is not quiet by then is read all the same; the report is then said to be apart from it. */
const patientLooks = 20

/** Runs in the page. */
function ledger(): void {
  type Row = Record<string, unknown> & { type: string }
  type Reading = Omit<ConnectionAccount, 'closed'>
  const connections = new Map<RTCPeerConnection, Promise<Reading> | undefined>()

  const read = async (connection: RTCPeerConnection): Promise<Reading> => {
    const rows: Row[] = []
    const report = await connection.getStats()
    report.forEach((row) => void rows.push(row as Row))
    const sum = (type: string, field: string) =>
      rows
        .filter((row) => row.type === type)
        .reduce((total, row) => total + (Number(row[field]) || 0), 0)
    return {
      bytesSent: sum('transport', 'bytesSent'),
      packetsSent: sum('transport', 'packetsSent'),
      bytesReceived: sum('transport', 'bytesReceived'),
      packetsReceived: sum('transport', 'packetsReceived'),
      pairs: rows.filter(({ type }) => type === 'candidate-pair').length,
      checksSent: sum('candidate-pair', 'requestsSent'),
      checksAnswered: sum('candidate-pair', 'responsesSent'),
      packetsLost: sum('inbound-rtp', 'packetsLost'),
      packetsLostThere: sum('remote-inbound-rtp', 'packetsLost'),
      retransmittedBytes: sum('outbound-rtp', 'retransmittedBytesSent'),
      headerBytes: sum('outbound-rtp', 'headerBytesSent'),
    }
  }

  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections.set(this, undefined)
    }
    override close(): void {
      if (connections.get(this)) return
      const last = read(this)
      connections.set(this, last)
      last.then(
        () => super.close(),
        () => super.close(),
      )
    }
  }
  ;(window as unknown as LedgerWindow).transportLedger = {
    read: () =>
      Promise.all(
        [...connections].map(async ([connection, last]) => ({
          closed: last !== undefined,
          ...(await (last ?? read(connection))),
        })),
      ),
    async hush() {
      const open = [...connections].flatMap(([connection, last]) => (last ? [] : [connection]))
      const senders = open.flatMap((connection) => connection.getSenders())
      await Promise.all(senders.map((sender) => sender.replaceTrack(null)))
    },
  }
}
