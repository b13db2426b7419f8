import type {
  IceServer,
  LinkReport,
  MediaState,
  Participant,
  RoomMedia,
  RoomSnapshot,
  Signal,
} from '@parley/protocol'
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
import type { LinkState, LocalTracks } from '../connection/PeerLink.ts'
import { qualityLabel } from '../connection/quality.ts'
import type { ReconnectPolicy } from '../connection/ReconnectPolicy.ts'
import {
  type OpenSignaling,
  type RequestJoin,
  type Signaling,
  SignalingError,
  type SignalingEvents,
} from '../connection/Signaling.ts'
import { turnRefreshDelayMs } from '../connection/turnExpiry.ts'
import { LinkReporter } from '../linkReports/LinkReporter.ts'
import type { SfuSession } from '../sfu/SfuSession.ts'
import { type CallState, initialCall, type RemoteParticipant } from './callState.ts'
import type { VideoReading } from './FreezeMeter.ts'
import type { Link, LinkRequest } from './Link.ts'
import { sendLimitFor } from './sendLimit.ts'

export type CallSessionOptions = {
  call: Cell<CallState>
  clock: Clock
  /** Milliseconds since 1970, for the expiry of credentials. */
  epochMs(): number
  policy: ReconnectPolicy
  requestJoin: RequestJoin
  openSignaling: OpenSignaling
  createLink(request: LinkRequest): Link
  /** Gets the SFU's code, ahead of time where it is known to be needed. */
  prepareSfu(): void
  openSfu(request: SfuRequest): Sfu
  /** The tracks to send and the state to show, as they are now. */
  local(): { tracks: LocalTracks; media: MediaState }
}

export type Sfu = Pick<
  SfuSession,
  'link' | 'setTracks' | 'setIceServers' | 'retry' | 'readTotals' | 'totals' | 'close'
>

export type SfuRequest = {
  token: string
  refreshToken(): Promise<string>
  configuration: RTCConfiguration
  tracks: LocalTracks
}

export type JoinOptions = {
  room: string
  name: string
  relayForced: boolean
  /** When the person asked for it, by the clock; default: now. */
  startedAt?: number
}

/** Every reading is at most this old (REQ-P5 asks for 2 s, REQ-M1 for 1 s). */
const sampleIntervalMs = 1000
const audioProbeIntervalMs = 50
const noticeMs = 4000
/** After the quick tries, while the person is offered to reconnect, it is still tried by itself. */
const slowRetryMs = 10_000
/** Whether the SFU delivers is looked at this often while a room moves there. */
const handOverProbeMs = 100
/** Ends that wait for each other to have what they need from the SFU wait no longer than this. */
const lingerMs = 30_000

/** Of a report that was not taken: it may be taken later. */
const passing: ReadonlySet<string> = new Set([
  'offline',
  'rate-limited',
  'unavailable',
  'not-joined',
])

type Peer = {
  link: Link
  /** The link over the SFU that is to take over as soon as it delivers. */
  next?: Link
  /** It has taken over: frames are counted from 0 again. */
  taken?: boolean
  /**
   * The server has the participant no more, yet media flows: its socket is lost, or the server
   * began anew. It stays for as long as the link does (REQ-W1: media is kept alive).
   */
  absent: boolean
  stats?: LinkStats
  /** When `stats` were read, by the clock. */
  readAtMs?: number
  loss?: number | undefined
}

/** One person's stay in one room: signaling, and a link to each other participant. */
export class CallSession {
  readonly #options: CallSessionOptions
  readonly #peers = new Map<string, Peer>()
  /** Signals of peers that the snapshot has not named yet. */
  #early: { from: string; signal: Signal }[] = []
  #signaling: Signaling | undefined
  #iceServers: IceServer[] = []
  #sentMedia: MediaState | undefined
  #startedAt = 0
  #retired: Totals = noTraffic
  #noticeId = 0
  /** Rises with every join and leave: what an older one awaited is of no interest any more. */
  #epoch = 0
  #cancelReconnect = () => {}
  #cancelRefresh = () => {}
  #cancelSampling = () => {}
  #cancelProbe = () => {}
  #sfu: Sfu | undefined
  /** Direct links that were taken over from. */
  readonly #lingering = new Set<Link>()
  readonly #reporter: LinkReporter

  constructor(options: CallSessionOptions) {
    this.#options = options
    this.#reporter = new LinkReporter(
      () => options.clock.now(),
      (report) => this.#report(report),
    )
  }

  /** Joins; what goes wrong is in the state, not thrown. */
  async join({ room, name, relayForced, startedAt }: JoinOptions): Promise<void> {
    const { call, clock } = this.#options
    this.#end()
    const epoch = this.#epoch
    this.#startedAt = startedAt ?? clock.now()
    call.set({ ...initialCall, phase: 'joining', room, name, relayForced })
    try {
      await this.#enter(epoch)
    } catch (error) {
      if (epoch === this.#epoch) this.#fail(error)
    }
  }

  leave(): void {
    this.#signaling?.leave()
    this.#end()
    this.#options.call.set({ phase: 'left', participants: [], notices: [], signaling: 'up' })
  }

  /** The page goes away: the room is told, and nothing else needs to be put right. */
  depart(): void {
    this.#signaling?.leave()
    this.#sfu?.close()
  }

  /** The person asks to try again: a failed join, a lost server or failed links. */
  async retry(): Promise<void> {
    const { phase, signaling, room, name, relayForced } = this.#options.call.get()
    if (phase === 'failed' || phase === 'left') return this.join({ room, name, relayForced })
    for (const { link } of this.#peers.values()) link.retry()
    this.#sfu?.retry()
    if (signaling === 'up') return
    this.#options.call.set({ signaling: 'reconnecting' })
    await this.#reconnect(0)
  }

  /** Tracks or mute states changed. */
  localChanged(): void {
    const { tracks } = this.#options.local()
    for (const { link } of this.#peers.values()) link.setTracks(tracks)
    for (const link of this.#lingering) link.setTracks(tracks)
    this.#sfu?.setTracks(tracks)
    this.#shareMedia()
  }

  /** Reads every link now. */
  async sample(): Promise<void> {
    await Promise.all([
      this.#sfu?.readTotals().catch(() => {}),
      ...[...this.#peers].map(([id, peer]) => this.#sampleOne(id, peer)),
    ])
  }

  /** The last readings, and the states as they are now. */
  readings(): {
    id: string
    connectionState: RTCPeerConnectionState
    iceConnectionState: RTCIceConnectionState
    stats: LinkStats | undefined
  }[] {
    return [...this.#peers].map(([id, { link, stats }]) => ({
      id,
      connectionState: link.connectionState,
      iceConnectionState: link.iceConnectionState,
      stats,
    }))
  }

  /** What was last read of each one's video. */
  videoReadings(): VideoReading[] {
    return [...this.#peers].flatMap(([id, { stats, readAtMs }]) =>
      stats && readAtMs !== undefined ? [this.#videoReading(id, readAtMs, stats)] : [],
    )
  }

  /** Reads each one's video now, and changes nothing of the state. */
  async readVideo(): Promise<VideoReading[]> {
    const readings = [...this.#peers].map(async ([id, { link }]) => {
      const stats = readLinkStats(rowsOf(await link.stats()))
      return this.#videoReading(id, this.#options.clock.now(), stats)
    })
    const settled = await Promise.allSettled(readings)
    // Rejected: closed while being read.
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /** Over all links of this session, those that ended included. */
  totals(): Totals {
    const direct = [...this.#peers.values()].filter(({ link }) => !link.sfu)
    return direct.reduce(
      (sum, { stats }) => (stats ? addTotals(sum, stats.transport) : sum),
      this.#sfu ? addTotals(this.#retired, this.#sfu.totals()) : this.#retired,
    )
  }

  // -- entering the room -----------------------------------------------------------------------

  async #enter(epoch: number): Promise<void> {
    const { call, requestJoin, openSignaling } = this.#options
    const { room, name } = call.get()
    const response = await requestJoin(room, name)
    if (epoch !== this.#epoch) return
    this.#iceServers = response.iceServers
    if (response.media.mode === 'sfu') this.#options.prepareSfu()
    const signaling = openSignaling(response.token, this.#events(epoch))
    this.#signaling = signaling
    await this.#connect(epoch, signaling)
    if (epoch !== this.#epoch) return signaling.close()
    await this.#enterRoom(epoch, signaling)
  }

  /** A server that is about to stop takes nobody new; the next try reaches another one. */
  async #connect(epoch: number, signaling: Signaling, attempt = 0): Promise<void> {
    const { clock, policy } = this.#options
    try {
      await signaling.connect()
    } catch (error) {
      const delayMs = policy.delayMs(attempt)
      const passing = error instanceof SignalingError && error.code === 'offline'
      if (!passing || delayMs === undefined) throw error
      await new Promise<void>((resolve) => clock.after(delayMs, resolve))
      if (epoch === this.#epoch) await this.#connect(epoch, signaling, attempt + 1)
    }
  }

  async #enterRoom(epoch: number, signaling: Signaling): Promise<void> {
    const { call, clock, local } = this.#options
    const { media } = local()
    this.#sentMedia = media
    const snapshot = await signaling.join(media)
    if (epoch !== this.#epoch) return
    const first = call.get().phase === 'joining'
    call.set({
      phase: 'joined',
      signaling: 'up',
      selfId: snapshot.self,
      maxParticipants: snapshot.maxParticipants,
    })
    if (first) {
      const others = snapshot.participants.some(({ id }) => id !== snapshot.self)
      this.#time({ joined: clock.now() - this.#startedAt, othersPresent: others })
      this.#sampleForEver()
    }
    this.#takeRoom(snapshot)
  }

  #takeRoom(snapshot: RoomSnapshot): void {
    this.#takeIceServers(snapshot.iceServers)
    this.#takeMedia(snapshot.media)
    this.#takeSnapshot(snapshot)
    for (const { link } of this.#peers.values()) link.signalingRestored()
    this.#shareMedia()
  }

  /** Makes the peers those of the snapshot; who is connected stays connected. */
  #takeSnapshot(snapshot: RoomSnapshot): void {
    const others = snapshot.participants.filter(({ id }) => id !== snapshot.self)
    const present = new Set(others.map(({ id }) => id))
    for (const id of [...this.#peers.keys()]) if (!present.has(id)) this.#gone(id)
    for (const participant of others) {
      if (!this.#returned(participant)) this.#add(participant)
    }
    const early = this.#early
    this.#early = []
    for (const { from, signal } of early) this.#peers.get(from)?.link.receive(signal)
  }

  #events(epoch: number): SignalingEvents {
    const current =
      <A extends unknown[]>(run: (...args: A) => void) =>
      (...args: A) => {
        if (epoch === this.#epoch) run(...args)
      }
    return {
      onDisconnect: current(() => this.#disconnected()),
      onJoined: current((participant) => this.#joined(participant)),
      onLeft: current((id) => this.#gone(id)),
      onReplaced: current(() => this.#fail(new SignalingError('replaced', 'joined elsewhere'))),
      onMedia: current((id, media) => this.#patch(id, { media })),
      onMoved: current(() => void this.#askForMedia()),
      onHandedOver: current((snapshot) => this.#takeRoom(snapshot)),
      onSignal: current((from, signal) => {
        const peer = this.#peers.get(from)
        if (peer) peer.link.receive(signal)
        else this.#early.push({ from, signal })
      }),
    }
  }

  #joined(participant: Participant): void {
    const { call } = this.#options
    // Before the snapshot nothing is known of the room, and the snapshot will name this one.
    if (call.get().phase !== 'joined' || participant.id === call.get().selfId) return
    if (this.#returned(participant)) return
    this.#add(participant)
    this.#notice('joined', participant.name)
    const early = this.#early
    this.#early = early.filter(({ from }) => from !== participant.id)
    for (const { from, signal } of early)
      if (from === participant.id) this.#peers.get(from)?.link.receive(signal)
  }

  /** @returns whether the participant was there already. */
  #returned({ id, name, media }: Participant): boolean {
    const peer = this.#peers.get(id)
    if (!peer) return false
    this.#patch(id, { name, media })
    if (peer.absent) peer.link.peerReturned()
    peer.absent = false
    return true
  }

  #gone(id: string): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    peer.absent = true
    // Who left by hand has closed its end, which this end learns of in a moment.
    if (peer.link.state !== 'connected') this.#remove(id)
  }

  // -- links -----------------------------------------------------------------------------------

  #add({ id, name, media, joinedAt }: Participant): void {
    const { call } = this.#options
    this.#peers.set(id, { link: this.#link(id), absent: false })
    const link = this.#peers.get(id)?.link
    const participant: RemoteParticipant = {
      id,
      name,
      media,
      joinedAt,
      link: link?.state ?? 'connecting',
      audio: link?.tracks.audio ?? null,
      video: link?.tracks.video ?? null,
      usingRelay: undefined,
      localCandidateType: undefined,
      remoteCandidateType: undefined,
      quality: 'unknown',
      rttMs: undefined,
      lossPercent: undefined,
    }
    const participants = [...call.get().participants, participant]
    participants.sort((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1))
    call.set({ participants })
    this.#limitSending()
    this.#probeAudio()
  }

  /** A way to one other participant: over the SFU where the room is there. */
  #link(id: string): Link {
    const { call, createLink, local } = this.#options
    const drawn = () => this.#peers.get(id)?.link === link
    const request: LinkRequest = {
      selfId: call.get().selfId,
      peerId: id,
      configuration: this.#configuration(),
      tracks: local().tracks,
      send: (signal) => this.#send(id, signal),
      signalingUp: () => call.get().signaling === 'up',
      onState: (state) => {
        if (drawn()) this.#linkChanged(id, state)
        // Its other end has closed it, so there too the SFU has taken over.
        else if (link && state !== 'connected') this.#stopLingering(link)
      },
      onConnectionState: () => {
        const peer = this.#peers.get(id)
        if (peer && drawn()) void this.#sampleOne(id, peer)
      },
      onTrack: (kind, track) => {
        if (drawn()) this.#patch(id, { [kind]: track })
      },
    }
    // Set only once the link is made; until then it cannot be the one that is drawn.
    let link: Link | undefined
    link = this.#sfu?.link(request) ?? createLink(request)
    return link
  }

  #remove(id: string): void {
    const { call } = this.#options
    const peer = this.#peers.get(id)
    if (!peer) return
    this.#retire(peer)
    this.#peers.delete(id)
    const { participants } = call.get()
    const participant = participants.find((p) => p.id === id)
    call.set({ participants: participants.filter((p) => p !== participant) })
    if (participant) this.#notice('left', participant.name)
    this.#limitSending()
  }

  #retire({ link, next, stats }: Peer): void {
    if (stats && !link.sfu) this.#retired = addTotals(this.#retired, stats.transport)
    this.#close(link)
    next?.close()
  }

  #close(link: Link): void {
    link.close()
    this.#reporter.ended(link)
  }

  #linkChanged(id: string, link: LinkState): void {
    // Its other end may have closed it for the SFU's sake, and there is no use in mending it.
    if (link !== 'connected' && this.#peers.get(id)?.next) this.#takeOver(id)
    else if (link !== 'connected' && this.#peers.get(id)?.absent) this.#remove(id)
    else this.#patch(id, link === 'connected' ? { link } : { link, quality: 'unknown' })
  }

  // -- the SFU ---------------------------------------------------------------------------------

  /** A mesh after all is no news: a room stays on the SFU, and a server may have no memory of it. */
  #takeMedia(media: RoomMedia): void {
    if (media.mode === 'mesh' || this.#sfu) return
    const { openSfu, local } = this.#options
    this.#sfu = openSfu({
      token: media.token,
      refreshToken: () => this.#freshToken(),
      configuration: this.#configuration(),
      tracks: local().tracks,
    })
    for (const [id, peer] of this.#peers) {
      peer.next = this.#link(id)
      if (peer.link.state === 'connected') this.#probeSfu(id)
      else this.#takeOver(id)
    }
  }

  async #askForMedia(): Promise<void> {
    const epoch = this.#epoch
    this.#options.prepareSfu()
    // Lost on the way: the server tells of it again.
    const media = await this.#signaling?.refreshMedia().catch(() => undefined)
    if (media && epoch === this.#epoch) this.#takeMedia(media)
  }

  async #freshToken(): Promise<string> {
    const media = await this.#signaling?.refreshMedia()
    if (media?.mode !== 'sfu') throw new SignalingError('unavailable', 'no token for the SFU')
    return media.token
  }

  /** Make before break: the direct link goes on until the SFU brings what it brought. */
  #probeSfu(id: string): void {
    const epoch = this.#epoch
    this.#options.clock.after(handOverProbeMs, async () => {
      const next = this.#peers.get(id)?.next
      if (!next || epoch !== this.#epoch) return
      if (await this.#delivers(id, next).catch(() => false)) this.#takeOver(id)
      else this.#probeSfu(id)
    })
  }

  async #delivers(id: string, link: Link): Promise<boolean> {
    const media = this.#options.call.get().participants.find((p) => p.id === id)?.media
    if (link.state !== 'connected') return false
    const { framesDecoded, audioPacketsReceived } = readLinkStats(rowsOf(await link.stats()))
    return (!media?.video || framesDecoded > 0) && (!media?.audio || audioPacketsReceived > 0)
  }

  #takeOver(id: string): void {
    const peer = this.#peers.get(id)
    if (!peer?.next) return
    const { link: direct, next, stats } = peer
    if (stats) this.#retired = addTotals(this.#retired, stats.transport)
    peer.link = next
    delete peer.next
    peer.taken = true
    if (stats) peer.stats = { ...stats, transport: noTraffic }
    this.#patch(id, {
      link: next.state,
      audio: next.tracks.audio ?? direct.tracks.audio,
      video: next.tracks.video ?? direct.tracks.video,
    })
    this.#lingering.add(direct)
    const stop = () => this.#stopLingering(direct)
    this.#options.clock.after(direct.state === 'connected' ? lingerMs : 0, stop)
    // The other end may still need it.
    direct.finish(stop)
  }

  #stopLingering(link: Link): void {
    if (this.#lingering.delete(link)) this.#close(link)
  }

  #limitSending(): void {
    const limit = sendLimitFor(this.#peers.size)
    for (const { link } of this.#peers.values()) link.setSendLimit(limit)
  }

  #send(to: string, signal: Signal): void {
    // What cannot be delivered now is made up for by the link's own tries.
    this.#signaling?.signal(to, signal).catch(() => {})
  }

  #configuration(): RTCConfiguration {
    return {
      iceServers: this.#iceServers as RTCIceServer[],
      iceTransportPolicy: this.#options.call.get().relayForced ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
    }
  }

  // -- signaling -------------------------------------------------------------------------------

  #disconnected(): void {
    const { call } = this.#options
    if (call.get().phase !== 'joined') return
    call.set({ signaling: 'reconnecting' })
    void this.#reconnect(0)
  }

  /** The socket first; peer connections wait for it (REQ-P9) and media flows on meanwhile. */
  async #reconnect(attempt: number): Promise<void> {
    const { clock, policy, call } = this.#options
    const epoch = this.#epoch
    this.#cancelReconnect()
    const delayMs = policy.delayMs(attempt)
    if (delayMs === undefined) call.set({ signaling: 'lost' })
    this.#cancelReconnect = clock.after(delayMs ?? slowRetryMs, () => {
      void this.#reconnectNow(epoch, attempt)
    })
  }

  async #reconnectNow(epoch: number, attempt: number): Promise<void> {
    const signaling = this.#signaling
    if (!signaling || epoch !== this.#epoch) return
    try {
      await signaling.connect()
      if (epoch === this.#epoch) await this.#enterRoom(epoch, signaling)
    } catch (error) {
      if (epoch !== this.#epoch) return
      // The token ran out while we were away: a new one, which makes us a new participant.
      if (error instanceof SignalingError && error.code === 'unauthenticated') {
        const { room, name, relayForced } = this.#options.call.get()
        return this.join({ room, name, relayForced })
      }
      if (error instanceof SignalingError && error.code === 'room-full') return this.#fail(error)
      await this.#reconnect(attempt + 1)
    }
  }

  #shareMedia(): void {
    const { call, local } = this.#options
    const { media } = local()
    const sent = this.#sentMedia
    if (call.get().phase !== 'joined' || call.get().signaling !== 'up') return
    if (sent && sent.audio === media.audio && sent.video === media.video) return
    this.#sentMedia = media
    this.#signaling?.mediaState(media).catch(() => {
      // Not taken: whatever is sent next has to say it again.
      this.#sentMedia = undefined
    })
  }

  #takeIceServers(iceServers: IceServer[]): void {
    this.#iceServers = iceServers
    for (const { link } of this.#peers.values()) link.setIceServers(iceServers as RTCIceServer[])
    this.#sfu?.setIceServers(iceServers as RTCIceServer[])
    this.#refreshTurnIn(turnRefreshDelayMs(iceServers, this.#options.epochMs()))
  }

  #refreshTurnIn(delayMs: number | undefined): void {
    this.#cancelRefresh()
    if (delayMs === undefined) return
    const epoch = this.#epoch
    this.#cancelRefresh = this.#options.clock.after(delayMs, async () => {
      try {
        const iceServers = await this.#signaling?.refreshTurn()
        if (iceServers && epoch === this.#epoch) this.#takeIceServers(iceServers)
      } catch {
        // Offline: the snapshot of the reconnection brings new ones. Else: a little later.
        if (epoch === this.#epoch) this.#refreshTurnIn(10_000)
      }
    })
  }

  // -- readings --------------------------------------------------------------------------------

  #sampleForEver(): void {
    const epoch = this.#epoch
    this.#cancelSampling = this.#options.clock.after(sampleIntervalMs, () => {
      // Not awaited: a slow reading must not make the next one late (REQ-P5).
      void this.sample()
      if (epoch === this.#epoch) this.#sampleForEver()
    })
  }

  async #sampleOne(id: string, peer: Peer): Promise<void> {
    const { link } = peer
    let rows: [string, unknown][]
    try {
      rows = rowsOf(await link.stats())
    } catch {
      return // closed while being read
    }
    if (this.#peers.get(id) !== peer) return
    const stats = readLinkStats(rows)
    if (peer.link === link) this.#readForReport(id, link, rows)
    const lossPercent = windowLossPercent(peer.stats, stats) ?? peer.loss
    // Counters that fell are those of a new connection: what the one before it counted is kept.
    if (!peer.link.sfu && peer.stats && stats.transport.bytesSent < peer.stats.transport.bytesSent)
      this.#retired = addTotals(this.#retired, peer.stats.transport)
    peer.stats = stats
    peer.readAtMs = this.#options.clock.now()
    peer.loss = lossPercent
    this.#timeFirstMedia(stats)
    const { rttMs, usingRelay, localCandidateType, remoteCandidateType } = stats
    const connected = peer.link.state === 'connected'
    this.#patch(id, {
      usingRelay,
      localCandidateType,
      remoteCandidateType,
      rttMs,
      lossPercent,
      quality: connected ? qualityLabel({ rttMs, lossPercent }) : 'unknown',
    })
  }

  /** All links over the SFU are one connection, which is read with each of them. */
  #readForReport(id: string, link: Link, report: [string, unknown][]): void {
    const policy = this.#options.call.get().relayForced ? 'relay' : 'all'
    const [key, peer] = link.sfu && this.#sfu ? [this.#sfu, null] : [link, id]
    this.#reporter.read({ key, peer, policy, report, errors: link.iceErrors })
  }

  async #report(report: LinkReport): Promise<void> {
    try {
      await this.#signaling?.report(report)
    } catch (error) {
      // The same again would be refused again; a server that is away is told later.
      if (error instanceof SignalingError && passing.has(error.code)) throw error
    }
  }

  #videoReading(peerId: string, atMs: number, stats: LinkStats): VideoReading {
    const { framesDecoded, interFrameMs, squaredInterFrameMs } = stats
    const participant = this.#options.call.get().participants.find(({ id }) => id === peerId)
    return {
      peerId,
      way: this.#peers.get(peerId)?.taken ? 'sfu' : 'direct',
      atMs,
      framesDecoded,
      interFrameMs,
      squaredInterFrameMs,
      expected: participant?.media.video ?? false,
    }
  }

  /** Looks often, until the first sound: a second's sampling would be too coarse to time it. */
  #probeAudio(): void {
    this.#cancelProbe()
    if (this.#options.call.get().timings.firstAudio !== undefined) return
    const epoch = this.#epoch
    this.#cancelProbe = this.#options.clock.after(audioProbeIntervalMs, () => {
      if (epoch !== this.#epoch || this.#peers.size === 0) return
      const audible = [...this.#peers.values()].some(({ link }) => link.hasPlayedAudio())
      if (audible) this.#time({ firstAudio: this.#options.clock.now() - this.#startedAt })
      else this.#probeAudio()
    })
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

  // -- state -----------------------------------------------------------------------------------

  #patch(id: string, patch: Partial<RemoteParticipant>): void {
    const { call } = this.#options
    const { participants } = call.get()
    const before = participants.find((p) => p.id === id)
    if (!before) return
    const keys = Object.keys(patch) as (keyof RemoteParticipant)[]
    if (keys.every((key) => before[key] === patch[key])) return
    call.set({ participants: participants.map((p) => (p === before ? { ...p, ...patch } : p)) })
  }

  #notice(kind: 'joined' | 'left', name: string): void {
    const { call, clock } = this.#options
    const notice = { id: ++this.#noticeId, kind, name }
    call.set({ notices: [...call.get().notices, notice] })
    clock.after(noticeMs, () =>
      call.set({ notices: call.get().notices.filter(({ id }) => id !== notice.id) }),
    )
  }

  #fail(error: unknown): void {
    this.#end()
    const code = error instanceof SignalingError ? error.code : 'internal'
    this.#options.call.set({ phase: 'failed', error: code, participants: [] })
  }

  /** Stops all that goes on; the state is the caller's to set. */
  #end(): void {
    this.#epoch++
    this.#cancelReconnect()
    this.#cancelRefresh()
    this.#cancelSampling()
    this.#cancelProbe()
    this.#reporter.reset()
    for (const peer of this.#peers.values()) this.#retire(peer)
    this.#peers.clear()
    for (const link of this.#lingering) link.close()
    this.#lingering.clear()
    if (this.#sfu) this.#retired = addTotals(this.#retired, this.#sfu.totals())
    this.#sfu?.close()
    this.#sfu = undefined
    this.#early = []
    this.#sentMedia = undefined
    this.#signaling?.close()
    this.#signaling = undefined
  }
}
