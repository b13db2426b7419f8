import { meanOpinion, type QualityLabel, qualityLabel, rating } from '@parley/protocol'
import { type StatsRow, selectedPair } from '../connection/linkStats.ts'
import { RoundTrips } from './RoundTrips.ts'
import type { ConnectionReading } from './statsRows.ts'

/** Sent and received, kbit/s. */
export type Rate = { up: number; down: number }

/** REQ-M1, of one connection. Rates and loss are those of the last seconds, not of the whole call. */
export type ConnectionMetrics = {
  id: string
  connectionState: RTCPeerConnectionState
  iceConnectionState: RTCIceConnectionState
  /** Of the ICE transport, since the connection began. */
  bytesSent: number
  bytesReceived: number
  /** Everything on the transport; undefined until there are two readings. */
  total: Rate | undefined
  /** RTP alone, with its headers. */
  audio: Rate | undefined
  video: Rate | undefined
  rttMs: number | undefined
  jitterMs: number | undefined
  packetsSent: number
  packetsReceived: number
  packetsLost: number
  /** Of the packets that were due in the last seconds; undefined where none were. */
  lossPercent: number | undefined
  /** Those that were due, and those of them that did not come. */
  due: number
  lost: number
  /** Packets sent again in the last seconds. */
  retransmitted: number
  usingRelay: boolean | undefined
  relayProtocol: string | undefined
  /** Room for what is sent, as the browser estimates it. */
  availableKbps: number | undefined
  codecs: { audio: string | undefined; video: string | undefined }
  /** Of the largest picture in each direction. */
  sent: Picture | undefined
  received: Picture | undefined
  quality: QualityLabel
  /** Mean opinion score by the E-model, 1–4.5. */
  mos: number | undefined
}

export type Picture = { width: number; height: number; fps: number }

type Taken = { atMs: number; rows: StatsRow[] }

/** Long enough for a steady figure, short enough to follow what happens. */
export const windowMs = 5000

/** The last seconds of one connection. */
export class ConnectionWindow {
  #taken: Taken[] = []
  readonly #checks = new RoundTrips()
  /** Bytes since the last reading. */
  fresh = { sent: 0, received: 0 }

  /** @param atMs of a clock that never goes back */
  take(reading: ConnectionReading, atMs: number): ConnectionMetrics {
    const now = { atMs, rows: reading.rows }
    const last = this.#taken.at(-1)
    this.fresh = bytesBetween(last?.rows ?? now.rows, now.rows)
    // The first one to be older than the window is still of use: it begins it.
    const begins = this.#taken.findLastIndex((one) => atMs - one.atMs >= windowMs)
    this.#taken = [...this.#taken.slice(Math.max(0, begins)), now]
    return measure(reading, this.#taken[0] ?? now, now, this.#checks.take(selectedPair(now.rows)))
  }
}

/**
 * @param before a reading of the same connection, earlier; the same one where there is no other
 * @param checkedMs the round trip by the pair's checks, where there were any
 */
export function measure(
  { id, connectionState, iceConnectionState }: ConnectionReading,
  before: Taken,
  now: Taken,
  checkedMs: number | undefined,
): ConnectionMetrics {
  const ms = now.atMs - before.atMs
  const { rows } = now
  const of = (type: string, kind?: string) => (row: StatsRow) =>
    row.type === type && (kind === undefined || row.kind === kind)
  const rate = (bytes: { sent: number; received: number }): Rate | undefined =>
    ms > 0 ? { up: (bytes.sent * 8) / ms, down: (bytes.received * 8) / ms } : undefined
  const grown = (matches: (row: StatsRow) => boolean, ...fields: string[]) =>
    growth(before.rows, rows, matches, fields)
  const media = (kind: string) =>
    rate({
      sent: grown(of('outbound-rtp', kind), 'bytesSent', 'headerBytesSent'),
      received: grown(of('inbound-rtp', kind), 'bytesReceived', 'headerBytesReceived'),
    })
  const pair = selectedPair(rows)
  const candidate = (key: unknown) => rows.find((row) => row.id === key)
  const local = candidate(pair?.localCandidateId)
  const remote = candidate(pair?.remoteCandidateId)
  // What is sent again, and what fills up when a browser looks for more room, comes with numbers of its own: of those no
  // loss is counted, so they are not among what was due either.
  const again = grown(of('inbound-rtp'), 'retransmittedPacketsReceived')
  const received = ms > 0 ? Math.max(0, grown(of('inbound-rtp'), 'packetsReceived') - again) : 0
  const lost = ms > 0 ? Math.max(0, signedGrowth(before.rows, rows)) : 0
  const due = received + lost
  const lossPercent = due > 0 ? (lost / due) * 100 : undefined
  const rttMs = checkedMs ?? toldRoundTripMs(rows)
  const jitterMs = jitterOf(rows.filter(of('inbound-rtp')))
  const judged = { rttMs, lossPercent, jitterMs: jitterMs ?? null }
  const score = rating(judged)
  const bytes = counted(rows)
  return {
    ...{ id, connectionState, iceConnectionState },
    bytesSent: sum(bytes, 'bytesSent'),
    bytesReceived: sum(bytes, 'bytesReceived'),
    total: rate(bytesBetween(before.rows, rows)),
    audio: media('audio'),
    video: media('video'),
    ...{ rttMs, jitterMs },
    packetsSent: sum(rows.filter(of('outbound-rtp')), 'packetsSent'),
    packetsReceived: sum(rows.filter(of('inbound-rtp')), 'packetsReceived'),
    packetsLost: sum(rows.filter(of('inbound-rtp')), 'packetsLost'),
    ...{ lossPercent, due, lost },
    retransmitted: ms > 0 ? grown(of('outbound-rtp'), 'retransmittedPacketsSent') : 0,
    usingRelay: pair && [local, remote].some((one) => one?.candidateType === 'relay'),
    relayProtocol: text(local?.relayProtocol),
    availableKbps: kilobits(pair?.availableOutgoingBitrate),
    codecs: { audio: codec(rows, 'audio'), video: codec(rows, 'video') },
    sent: largest(rows.filter(of('outbound-rtp', 'video'))),
    received: largest(rows.filter(of('inbound-rtp', 'video'))),
    quality: qualityLabel(judged),
    mos: score === null ? undefined : meanOpinion(score),
  }
}

/** Rows that say what the transport has carried: its own, or, in Firefox, those of the pair. */
function counted(rows: readonly StatsRow[]): StatsRow[] {
  const transports = rows.filter(({ type }) => type === 'transport')
  if (transports.some((row) => row.bytesSent !== undefined)) return transports
  const pair = selectedPair(rows)
  return pair ? [pair] : []
}

function bytesBetween(before: readonly StatsRow[], now: readonly StatsRow[]) {
  const ids = new Set(counted(now).map(({ id }) => id))
  const carries = ({ id }: StatsRow) => ids.has(id)
  return {
    sent: growth(before, now, carries, ['bytesSent']),
    received: growth(before, now, carries, ['bytesReceived']),
  }
}

/**
 * What counters grew by, row by row: rows that came meanwhile count from 0, rows that went do not count, and one
 * that fell has begun anew.
 */
function growth(
  before: readonly StatsRow[],
  now: readonly StatsRow[],
  matches: (row: StatsRow) => boolean,
  fields: readonly string[],
): number {
  let total = 0
  for (const row of now) {
    if (!matches(row)) continue
    const was = before.find(({ id }) => id === row.id)
    for (const field of fields) {
      const [from, to] = [number(was?.[field]), number(row[field])]
      total += to < from ? to : to - from
    }
  }
  return total
}

/** packetsLost falls when a packet thought lost arrives late, or twice. */
function signedGrowth(before: readonly StatsRow[], now: readonly StatsRow[]): number {
  let total = 0
  for (const row of now) {
    if (row.type !== 'inbound-rtp') continue
    const was = before.find(({ id }) => id === row.id)
    const begun = number(row.packetsReceived) < number(was?.packetsReceived)
    total += number(row.packetsLost) - (begun ? 0 : number(was?.packetsLost))
  }
  return total
}

/** Where the pair has not been checked yet: what the other end's reports say. */
function toldRoundTripMs(rows: readonly StatsRow[]): number | undefined {
  const told = rows.flatMap(({ type, roundTripTime }) =>
    type === 'remote-inbound-rtp' && typeof roundTripTime === 'number' ? [roundTripTime] : [],
  )
  return told.length > 0 ? Math.max(...told) * 1000 : undefined
}

/** Of audio where there is any: of a video, frames that are sent in bursts look like it. */
function jitterOf(inbound: readonly StatsRow[]): number | undefined {
  const audio = inbound.filter(({ kind }) => kind === 'audio')
  const heard = (audio.length > 0 ? audio : inbound).filter(
    ({ jitter, packetsReceived }) => typeof jitter === 'number' && number(packetsReceived) > 0,
  )
  return heard.length > 0 ? (sum(heard, 'jitter') / heard.length) * 1000 : undefined
}

function codec(rows: readonly StatsRow[], kind: string): string | undefined {
  const stream = rows.find((row) => row.kind === kind && row.codecId !== undefined)
  const mime = text(rows.find(({ id }) => id === stream?.codecId)?.mimeType)
  return mime?.slice(mime.indexOf('/') + 1)
}

function largest(rows: readonly StatsRow[]): Picture | undefined {
  const pictures = rows.flatMap(({ frameWidth, frameHeight, framesPerSecond }) =>
    typeof frameWidth === 'number' && typeof frameHeight === 'number'
      ? [{ width: frameWidth, height: frameHeight, fps: number(framesPerSecond) }]
      : [],
  )
  return pictures.toSorted((a, b) => b.width * b.height - a.width * a.height)[0]
}

function sum(rows: readonly StatsRow[], field: string): number {
  return rows.reduce((total, row) => total + number(row[field]), 0)
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function kilobits(bits: unknown): number | undefined {
  return typeof bits === 'number' && Number.isFinite(bits) ? bits / 1000 : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
