import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import {
  addTotals,
  type LinkStats,
  noTraffic,
  readLinkStats,
  rowsOf,
  type Totals,
  windowLossPercent,
} from '../connection/linkStats.ts'
import { qualityLabel } from '../connection/quality.ts'
import type { LinkReporter } from '../linkReports/LinkReporter.ts'
import { keptRows, type Readings } from '../metrics/statsRows.ts'
import type { CallState } from './callState.ts'
import type { VideoReading } from './FreezeMeter.ts'
import type { Link } from './Link.ts'
import type { Peer } from './Peer.ts'
import { Participants } from './participants.ts'
import type { Sfu } from './Sfu.ts'

/** Every reading is at most this old (REQ-P5 asks for 2 s, REQ-M1 for 1 s). */
const sampleIntervalMs = 1000
const audioProbeIntervalMs = 50

export type LinkReadingsOptions = {
  call: Cell<CallState>
  clock: Clock
  reporter: LinkReporter
  peers: ReadonlyMap<string, Peer>
  sfu(): Sfu | undefined
  /** A peer's `stats` are new. @param rows of getStats() */
  onReading(peer: Peer, rows: [string, unknown][]): void
  /** All links were read. */
  onReadings?(readings: Readings): void
}

/** What is read of the links of a call: statistics, totals, and when the first media came. */
export class LinkReadings {
  readonly #options: LinkReadingsOptions
  readonly #participants: Participants
  #startedAt = 0
  #retired: Totals = noTraffic
  #cancelSampling = () => {}
  #cancelProbe = () => {}

  constructor(options: LinkReadingsOptions) {
    this.#options = options
    this.#participants = new Participants(options.call)
  }

  /** Times are counted from here on. */
  begin(startedAt: number): void {
    this.#startedAt = startedAt
  }

  /** In the room: everything is read at its intervals from now on. */
  entered(othersPresent: boolean): void {
    this.#time({ joined: this.#options.clock.now() - this.#startedAt, othersPresent })
    this.#sampleForEver()
  }

  stop(): void {
    this.#cancelSampling()
    this.#cancelProbe()
  }

  /** Counters of a link that ended, or of the SFU's connection. */
  retire(traffic: Totals): void {
    this.#retired = addTotals(this.#retired, traffic)
  }

  /** Reads every link now. */
  async sample(): Promise<void> {
    const { sfu, peers, onReadings } = this.#options
    const [onSfu] = await Promise.all([
      // One reading for both of it.
      Promise.all([sfu()?.report(), sfu()?.readTotals()]).catch(() => []),
      ...[...peers].map(([id, peer]) => this.sampleOne(id, peer)),
    ])
    onReadings?.(this.#readings(onSfu[0]))
  }

  #readings(onSfu: RTCStatsReport | undefined): Readings {
    const links = [...this.#options.peers].flatMap(([id, { link, rows }]) => {
      if (!rows) return []
      const { state, connectionState, iceConnectionState, sfu: overSfu = false } = link
      return [{ id, overSfu, state, connectionState, iceConnectionState, rows: keptRows(rows) }]
    })
    const first = links.find(({ overSfu }) => overSfu)
    const sfu = onSfu && first && { ...first, id: 'sfu', rows: keptRows(rowsOf(onSfu)) }
    return { atMs: this.#options.clock.now(), links, sfu }
  }

  /** The last readings, and the states as they are now. */
  last(): {
    id: string
    connectionState: RTCPeerConnectionState
    iceConnectionState: RTCIceConnectionState
    stats: LinkStats | undefined
  }[] {
    return [...this.#options.peers].map(([id, { link, stats }]) => ({
      id,
      connectionState: link.connectionState,
      iceConnectionState: link.iceConnectionState,
      stats,
    }))
  }

  /** What was last read of each one's video. */
  lastVideo(): VideoReading[] {
    return [...this.#options.peers].flatMap(([id, { stats, readAtMs }]) =>
      stats && readAtMs !== undefined ? [this.#videoReading(id, readAtMs, stats)] : [],
    )
  }

  /** Reads each one's video now, and changes nothing of the state. */
  async readVideo(): Promise<VideoReading[]> {
    const readings = [...this.#options.peers].map(async ([id, { link }]) => {
      const stats = readLinkStats(rowsOf(await link.stats()))
      return this.#videoReading(id, this.#options.clock.now(), stats)
    })
    const settled = await Promise.allSettled(readings)
    // Rejected: closed while being read.
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /** Over all links of this page, those that ended included. */
  totals(): Totals {
    const { peers, sfu } = this.#options
    const direct = [...peers.values()].filter(({ link }) => !link.sfu)
    const onSfu = sfu()
    return direct.reduce(
      (sum, { stats }) => (stats ? addTotals(sum, stats.transport) : sum),
      onSfu ? addTotals(this.#retired, onSfu.totals()) : this.#retired,
    )
  }

  async sampleOne(id: string, peer: Peer): Promise<void> {
    const { onReading } = this.#options
    const { link } = peer
    let rows: [string, unknown][]
    try {
      rows = rowsOf(await link.stats())
    } catch {
      return // closed while being read
    }
    if (this.#options.peers.get(id) !== peer) return
    const stats = readLinkStats(rows)
    if (peer.link === link) this.#readForReport(id, link, rows)
    const lossPercent = windowLossPercent(peer.stats, stats) ?? peer.loss
    // Counters that fell are those of a new connection: what the one before it counted is kept.
    if (!peer.link.sfu && peer.stats && stats.transport.bytesSent < peer.stats.transport.bytesSent)
      this.retire(peer.stats.transport)
    const readAtMs = this.#options.clock.now()
    peer.sentKbps = sentKbpsSince(peer, stats, readAtMs)
    peer.stats = stats
    if (peer.link === link) peer.rows = rows
    peer.readAtMs = readAtMs
    peer.loss = lossPercent
    if (peer.link === link) onReading(peer, rows)
    this.#timeFirstMedia(stats)
    const { rttMs, usingRelay, localCandidateType, remoteCandidateType } = stats
    const connected = peer.link.state === 'connected'
    this.#participants.patch(id, {
      usingRelay,
      localCandidateType,
      remoteCandidateType,
      rttMs,
      lossPercent,
      quality: connected ? qualityLabel({ rttMs, lossPercent }) : 'unknown',
    })
  }

  /** Looks often, until the first sound: a second's sampling would be too coarse to time it. */
  probeAudio(): void {
    const { call, clock, peers } = this.#options
    this.#cancelProbe()
    if (call.get().timings.firstAudio !== undefined) return
    this.#cancelProbe = clock.after(audioProbeIntervalMs, () => {
      if (peers.size === 0) return
      // Asked of a link that is being made, the browser answers when it has time.
      const made = [...peers.values()].filter(({ link }) => link.state === 'connected')
      const audible = made.some(({ link }) => link.hasPlayedAudio())
      if (audible) this.#time({ firstAudio: clock.now() - this.#startedAt })
      else this.probeAudio()
    })
  }

  #sampleForEver(): void {
    this.#cancelSampling = this.#options.clock.after(sampleIntervalMs, () => {
      // Not awaited: a slow reading must not make the next one late (REQ-P5).
      void this.sample()
      this.#sampleForEver()
    })
  }

  /** All links over the SFU are one connection, which is read with each of them. */
  #readForReport(id: string, link: Link, report: [string, unknown][]): void {
    const { call, reporter, sfu } = this.#options
    const policy = call.get().relayForced ? 'relay' : 'all'
    const onSfu = sfu()
    const [key, peer] = link.sfu && onSfu ? [onSfu, null] : [link, id]
    reporter.read({ key, peer, policy, report, errors: link.iceErrors })
  }

  #videoReading(peerId: string, atMs: number, stats: LinkStats): VideoReading {
    const { framesDecoded, interFrameMs, squaredInterFrameMs } = stats
    return {
      peerId,
      way: this.#options.peers.get(peerId)?.ways ?? 0,
      atMs,
      framesDecoded,
      interFrameMs,
      squaredInterFrameMs,
      expected: this.#participants.find(peerId)?.media.video ?? false,
    }
  }

  #timeFirstMedia({ framesDecoded, audioPacketsReceived }: LinkStats): void {
    const { timings } = this.#options.call.get()
    const ms = this.#options.clock.now() - this.#startedAt
    if (timings.firstFrame === undefined && framesDecoded > 0) this.#time({ firstFrame: ms })
    if (timings.firstAudio === undefined && audioPacketsReceived > 0) this.#time({ firstAudio: ms })
  }

  #time(timings: Partial<CallState['timings']>): void {
    const { call } = this.#options
    call.set({ timings: { ...call.get().timings, ...timings } })
  }
}

/** Undefined where nothing was read before, or of another connection. */
function sentKbpsSince(
  { stats: before, readAtMs: since }: Peer,
  now: LinkStats,
  readAtMs: number,
): number | undefined {
  if (!before || since === undefined) return undefined
  const bits = 8 * (now.transport.bytesSent - before.transport.bytesSent)
  return bits < 0 || readAtMs <= since ? undefined : bits / (readAtMs - since)
}
