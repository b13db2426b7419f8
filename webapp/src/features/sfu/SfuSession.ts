import type { Clock } from '../../clock.ts'
import type { Link, LinkRequest } from '../call/Link.ts'
import {
  addTotals,
  noTraffic,
  readLinkStats,
  rowsOf,
  type Totals,
} from '../connection/linkStats.ts'
import type { LinkState, LocalTracks, TrackKind } from '../connection/PeerLink.ts'
import type { ReconnectPolicy } from '../connection/ReconnectPolicy.ts'
import { LastArrived } from './LastArrived.ts'
import { latest } from './LastPlayed.ts'
import { MediaWatch, type Reading } from './MediaWatch.ts'
import type { OpenSfuRoom, SfuRoom, SfuRoomEvents, SfuRoomState } from './SfuRoom.ts'

export type SfuSessionOptions = {
  clock: Clock
  policy: ReconnectPolicy
  openRoom: OpenSfuRoom
  configuration: RTCConfiguration
  tracks: LocalTracks
  /** The token to begin with. */
  token: string
  /** A fresh one, for a new beginning. */
  refreshToken(): Promise<string>
  /** It has not been connected for a while; called again and again until it is. */
  onUnreachable(): void
  onError(error: unknown): void
}

/** After so long without a connection the SFU counts as unreachable, and again after so much more. */
const unreachableMs = { first: 3000, again: 5000 }

/** One reading of the connection serves everybody who asks within this time. */
const readingMs = 50
/** Of who sends no camera, a shorter silence may be two packets that were lost: only after this were pictures missed. */
const missedMs = 1300
/** Who is back sends no large picture for about two seconds: until then nobody is to wait for one. */
const smallMs = 2500
/** Whole pictures are large, and are asked for no more often, whoever comes and goes. */
const wholePicturesMs = 3000
/** After the policy's tries, it is still tried this often. */
const slowRetryMs = 10_000
/**
 * A try that lasts longer was begun in a cut: until the SFU answers it takes three round trips or four, and after that as
 * many again, of which LiveKit's client waits for two seconds.
 */
const hangingMs = { unanswered: 2500, answered: 6000 }

/**
 * A stay in the SFU's room: kept up, with a {@link Link} for each other participant. The connection
 * is one for all of them, so their links only say what of it is whose.
 */
export class SfuSession {
  readonly #options: SfuSessionOptions
  readonly #links = new Map<string, SfuLink>()
  readonly #present = new Set<string>()
  /** Nothing comes of them, though it should, since these times. */
  #silent = nobody
  #wholePicturesAt = Number.NEGATIVE_INFINITY
  #tracks: LocalTracks
  #room: SfuRoom | undefined
  #state: SfuRoomState = 'closed'
  #closed = false
  #quality = 0
  #cancelRetry = () => {}
  /** A room is being opened. */
  #opening = false
  /** What was last done to reach the SFU, and whether it has said something to it. */
  #tried = { at: Number.NEGATIVE_INFINITY, answered: false }
  #watched: MediaWatch | undefined
  #arrived = new LastArrived()
  #cancelAwait = () => {}
  #cancelWholePictures = () => {}
  /** Of whom small pictures are asked for, a moment longer. */
  readonly #small = new Map<string, () => void>()
  #retired = noTraffic
  #transport = noTraffic
  #reading: { at: number; report: Promise<RTCStatsReport> } | undefined

  constructor(options: SfuSessionOptions) {
    this.#options = options
    this.#tracks = options.tracks
    void this.#open(Promise.resolve(options.token), 0)
    this.#await()
  }

  /** The way to one other participant. It is `connecting` until that one is in the SFU's room. */
  link(request: LinkRequest): Link {
    const link = new SfuLink(request, this)
    this.#links.set(request.peerId, link)
    this.#settle(request.peerId)
    return link
  }

  setTracks(tracks: LocalTracks): void {
    this.#tracks = tracks
    this.#room?.setTracks(tracks)
  }

  /** @param level of the camera, 0 is the best: an index of `qualityLevels` */
  setQuality(level: number): void {
    this.#quality = level
    this.#room?.setQuality(level)
  }

  /** New TURN credentials: used from the next reconnection on. */
  setIceServers(iceServers: RTCIceServer[]): void {
    this.#options.configuration.iceServers = iceServers
  }

  /**
   * The network or signaling is back, or the person asks: sooner than the next try by the clock. A connection that is there,
   * or that is being made, is left as it is; a try that has gone on for too long was begun in the cut, and hangs. So does
   * one of LiveKit's client that the SFU has not answered: it is slower than to begin anew.
   */
  retry(): void {
    if (this.#closed) return
    const { at, answered } = this.#tried
    const triedMs = this.#options.clock.now() - at
    const hangs = triedMs >= (answered ? hangingMs.answered : hangingMs.unanswered)
    if (this.#state === 'closed') {
      if (!this.#opening || hangs) void this.#open(this.#options.refreshToken(), 0)
    } else {
      const slow = this.#state === 'reconnecting' && (hangs || !answered)
      if (slow || this.#watched?.hasGivenUp) this.beginAnew()
    }
  }

  /**
   * The server that had the room is gone, and another one has it: what this page waits for from the old one would
   * come to nothing. The token is as good there, and need not be asked for.
   */
  beginAnew(): void {
    if (this.#closed) return
    const token = this.#room?.token
    this.#became('closed')
    if (token !== undefined) void this.#open(Promise.resolve(token), 0)
  }

  /** Of all connections of this session so far. Reads the present one. */
  async readTotals(): Promise<Totals> {
    const report = await this.report()
    if (report) {
      const now = readLinkStats(rowsOf(report)).transport
      // Counters that fell are those of a new connection.
      if (now.bytesSent < this.#transport.bytesSent)
        this.#retired = addTotals(this.#retired, this.#transport)
      this.#transport = now
    }
    return this.totals()
  }

  /** As last read. */
  totals(): Totals {
    return addTotals(this.#retired, this.#transport)
  }

  close(): void {
    this.#closed = true
    this.#cancelAwait()
    this.#cancelRetry()
    this.#watched?.stop()
    this.#cancelWholePictures()
    this.#forgetSmall()
    this.#room?.close()
    this.#room = undefined
    this.#links.clear()
  }

  // -- for its links ---------------------------------------------------------------------------

  get room(): SfuRoom | undefined {
    return this.#room
  }

  async report(): Promise<RTCStatsReport | undefined> {
    const room = this.#room
    if (!room) return undefined
    const at = this.#options.clock.now()
    if (!this.#reading || at - this.#reading.at >= readingMs)
      this.#reading = { at, report: room.stats() }
    return this.#reading.report
  }

  unlink(link: SfuLink): void {
    if (this.#links.get(link.peerId) === link) this.#links.delete(link.peerId)
  }

  // -- the connection --------------------------------------------------------------------------

  async #open(token: Promise<string>, attempt: number): Promise<void> {
    const { clock, openRoom, configuration, onError } = this.#options
    this.#cancelRetry()
    let current = true
    const given = new AbortController()
    this.#cancelRetry = () => {
      current = false
      this.#opening = false
      given.abort()
    }
    this.#opening = true
    this.#tried = { at: clock.now(), answered: false }
    try {
      const events: SfuRoomEvents = {
        onState: (state) => current && !this.#closed && this.#became(state),
        onTry: (answered) => {
          if (current) this.#tried = { at: clock.now(), answered }
        },
        onPresence: (id, present) => current && this.#presence(id, present),
        onTrack: (id, kind, track) => current && this.#track(id, kind, track),
      }
      const room = await openRoom(await token, configuration, events, given.signal)
      if (this.#closed || !current) return room.close()
      this.#opening = false
      this.#room = room
      room.setTracks(this.#tracks)
      room.setQuality(this.#quality)
      this.#became('connected')
      this.#watch()
    } catch (error) {
      if (this.#closed || !current) return
      current = false
      this.#opening = false
      onError(error)
      this.#openLater(attempt)
    }
  }

  /** Begins anew, with a fresh token: the one before may be what was refused. */
  #openLater(attempt: number): void {
    const { clock, policy, refreshToken } = this.#options
    this.#cancelRetry = clock.after(policy.delayMs(attempt) ?? slowRetryMs, () => {
      void this.#open(refreshToken(), attempt + 1)
    })
  }

  #became(state: SfuRoomState): void {
    if (state === 'connected') this.#cancelAwait()
    else if (this.#state === 'connected') this.#await()
    this.#state = state
    if (state === 'closed') {
      this.#room?.close()
      this.#room = undefined
      this.#retired = this.totals()
      this.#transport = noTraffic
      this.#reading = undefined
      this.#present.clear()
      this.#silent = nobody
      this.#watched?.stop()
      this.#cancelRetry()
      this.#forgetSmall()
      for (const link of this.#links.values()) link.lose()
      this.#openLater(0)
    }
    for (const id of this.#links.keys()) this.#settle(id)
  }

  #await(ms = unreachableMs.first): void {
    this.#cancelAwait = this.#options.clock.after(ms, () => {
      this.#await(unreachableMs.again)
      this.#options.onUnreachable()
    })
  }

  #presence(id: string, present: boolean): void {
    if (present) this.#present.add(id)
    else this.#present.delete(id)
    this.#settle(id)
  }

  #track(id: string, kind: TrackKind, track: MediaStreamTrack | null): void {
    this.#tracksOf(id)[kind] = track
    this.#links.get(id)?.take(kind, track)
  }

  readonly #received = new Map<string, LocalTracks>()
  #tracksOf(id: string): LocalTracks {
    const tracks = this.#received.get(id) ?? { audio: null, video: null }
    this.#received.set(id, tracks)
    return tracks
  }

  #settle(id: string): void {
    const link = this.#links.get(id)
    if (!link) return
    const { audio, video, screen, screenAudio } = this.#tracksOf(id)
    link.take('audio', audio)
    link.take('video', video)
    link.take('screen', screen ?? null)
    link.take('screenAudio', screenAudio ?? null)
    const heard = this.#present.has(id) && !this.#silent.has(id)
    if (this.#state === 'connected' && heard) link.become('connected')
    else link.become(link.state === 'connecting' ? 'connecting' : 'reconnecting')
  }

  /** At once, or as soon after the last time as may be. */
  #beginWithWholePictures(): void {
    const { clock } = this.#options
    const inMs = Math.max(0, this.#wholePicturesAt + wholePicturesMs - clock.now())
    this.#cancelWholePictures()
    this.#cancelWholePictures = clock.after(inMs, () => {
      this.#wholePicturesAt = clock.now()
      this.#room?.beginWithWholePictures()
    })
  }

  /**
   * A browser that nobody has answered for half a second gives its largest picture up, and takes two seconds to send it again
   * after the cut. An SFU that forwards it waits for it: unless it was asked before for the smallest, which comes at once.
   */
  #paused(id: string, paused: boolean): void {
    this.#small.get(id)?.()
    this.#small.delete(id)
    if (paused) this.#room?.askForSmall(id, true)
    else
      this.#small.set(
        id,
        this.#options.clock.after(smallMs, () => {
          this.#small.delete(id)
          this.#room?.askForSmall(id, false)
        }),
      )
  }

  #forgetSmall(): void {
    for (const cancel of this.#small.values()) cancel()
    this.#small.clear()
  }

  /** Finds out within a second that media has stopped, and whether it is this end that is cut. */
  #watch(): void {
    const { clock, refreshToken } = this.#options
    this.#watched?.stop()
    this.#arrived = new LastArrived()
    const watch = new MediaWatch({
      clock,
      lastPlayed: () => this.#room?.lastPlayed() ?? new Map(),
      read: () => this.#read(),
      cameraIsDue: (id) => this.#room?.cameraIsDue(id) ?? false,
      connected: () => this.#state === 'connected',
      disconnected: () => ['disconnected', 'failed'].includes(this.#room?.connectionState ?? ''),
      // The token is as good as the one before.
      askServer: refreshToken,
      onSilent: (times) => {
        // Whoever is back has missed pictures. The SFU goes on with those that build upon them, and it takes seconds until
        // that one's browser has asked for others.
        const missed = ([id, since]: [string, number]) =>
          clock.now() - since >= missedMs || this.#room?.cameraIsDue(id)
        const back = [...this.#silent].filter(([id]) => !times.has(id) && this.#present.has(id))
        if (back.some(missed)) this.#beginWithWholePictures()
        this.#silent = times
        for (const id of this.#links.keys()) this.#settle(id)
      },
      onPause: (id, paused) => this.#paused(id, paused),
      onStill: (still) => this.#room?.hold(still),
      recover: (how) => this.#room?.recover(how),
    })
    this.#watched = watch
    this.#silent = nobody
    watch.start()
  }

  async #read(): Promise<Reading | undefined> {
    const report = await this.report()
    if (!report) return undefined
    const rows = [...rowsOf(report)]
    const arrived = this.#arrived.read(rows, this.#options.clock.now())
    const arrivedAt = new Map<string, number>()
    for (const [id, tracks] of this.#received) {
      const at = latest(...Object.values(tracks).map((track) => arrived.get(track?.id ?? '')))
      if (at !== undefined) arrivedAt.set(id, at)
    }
    return { packets: readLinkStats(rows).transport.packetsReceived, arrivedAt }
  }
}

const nobody: ReadonlyMap<string, number> = new Map()

/** What a call sees of one other participant on the SFU. */
class SfuLink implements Link {
  readonly peerId: string
  readonly sfu = true
  readonly tracks: LocalTracks = { audio: null, video: null }
  readonly #request: LinkRequest
  readonly #session: SfuSession
  #state: LinkState = 'connecting'

  constructor(request: LinkRequest, session: SfuSession) {
    this.peerId = request.peerId
    this.#request = request
    this.#session = session
  }

  get state(): LinkState {
    return this.#state
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#session.room?.connectionState ?? 'connecting'
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#session.room?.iceConnectionState ?? 'checking'
  }

  become(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    this.#request.onState(state)
    this.#request.onConnectionState()
  }

  take(kind: TrackKind, track: MediaStreamTrack | null): void {
    if ((this.tracks[kind] ?? null) === track) return
    this.tracks[kind] = track
    this.#request.onTrack(kind, track)
  }

  /** Its tracks went with the connection. The last picture stays until there is a new one. */
  lose(): void {
    this.become('reconnecting')
  }

  /**
   * The rows of the connection's report that are about this participant. The counters of the
   * transport are this participant's share of them: the RTP that came, and nothing sent.
   */
  async stats(): Promise<RTCStatsReport> {
    const report = await this.#session.report()
    const own = [this.tracks.audio?.id, this.tracks.video?.id]
    const rows = new Map<string, Record<string, unknown>>()
    const share = { bytesSent: 0, bytesReceived: 0, packetsSent: 0, packetsReceived: 0 }
    for (const [id, value] of report ? rowsOf(report) : []) {
      const row = value as Record<string, unknown>
      if (row.type === 'inbound-rtp') {
        if (!own.includes(row.trackIdentifier as string)) continue
        share.bytesReceived += Number(row.bytesReceived ?? 0) + Number(row.headerBytesReceived ?? 0)
        share.packetsReceived += Number(row.packetsReceived ?? 0)
      }
      rows.set(id, row)
    }
    let counted = false
    for (const [id, row] of rows) {
      if (row.type !== 'transport') continue
      rows.set(id, { ...row, ...(counted ? noTraffic : share) })
      counted = true
    }
    return rows as unknown as RTCStatsReport
  }

  hasPlayedAudio(): boolean {
    return this.#session.room?.hasPlayedAudio(this.peerId) ?? false
  }

  retry(): void {
    this.#session.retry()
  }

  close(): void {
    this.#session.unlink(this)
  }

  // The connection is the session's, which is told of all this once and not by each link.
  receive(): void {}
  setTracks(): void {}
  setSendLimit(): void {}
  setIceServers(): void {}
  signalingRestored(): void {}
  peerReturned(): void {}
  finish(): void {}
  confirm(): void {}
}
