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
import { type ConnectionNote, ConnectionNotes } from '../connection/ConnectionNotes.ts'
import type { LocalTracks } from '../connection/PeerLink.ts'
import { Reconnection } from '../connection/Reconnection.ts'
import type { ReconnectPolicy } from '../connection/ReconnectPolicy.ts'
import {
  type Ask,
  type OpenSignaling,
  type RequestJoin,
  type RoomMove,
  type Signaling,
  SignalingError,
  type SignalingEvents,
} from '../connection/Signaling.ts'
import { SocketProbe } from '../connection/SocketProbe.ts'
import { turnRefreshDelayMs } from '../connection/turnExpiry.ts'
import { LinkReporter } from '../linkReports/LinkReporter.ts'
import type { Readings } from '../metrics/statsRows.ts'
import { type CallState, initialCall } from './callState.ts'
import { HeldEvents } from './HeldEvents.ts'
import type { Link, LinkRequest } from './Link.ts'
import type { LinkReadings } from './LinkReadings.ts'
import type { RoomFollower } from './RoomFollower.ts'
import { RoomLinks, type Sfu, type SfuRequest } from './RoomLinks.ts'

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
  followers: readonly RoomFollower[]
  /** Something that was told could not be taken; the rest is. */
  onError(error: unknown): void
  /** Of the camera, over one direct link, as the person wants it; left out: as much as there is room for. */
  maxKbps?(): number
  /** All links were read, which they are every second. */
  onReadings?(readings: Readings): void
}

export type JoinOptions = {
  room: string
  name: string
  relayForced: boolean
  /** When the person asked for it, by the clock; default: now. */
  startedAt?: number
}

const noticeMs = 4000
/** Between tries to get in, while the server has no store for its rooms, or no relay yet. */
const unavailableMs = 1500
/** Until the server, which did not take what is on and off, is told again. */
const mediaAgainMs = 1000

/** Of a report that was not taken: it may be taken later. */
const passing: ReadonlySet<string> = new Set([
  'offline',
  'rate-limited',
  'unavailable',
  'not-joined',
])

const mediaKinds = ['audio', 'video', 'screen'] as const

const sameMedia = (a: MediaState, b: MediaState) =>
  a.e2ee === b.e2ee && mediaKinds.every((kind) => Boolean(a[kind]) === Boolean(b[kind]))

/** A host may let in nevertheless. */
const atTheDoor: ReadonlySet<string> = new Set(['waiting', 'locked'])

/** Of a seat that was lost: trying again by itself changes nothing. */
const final: ReadonlySet<string> = new Set([
  'recorded',
  'room-full',
  'forbidden',
  'denied',
  'removed',
  'ended',
  'invite-needed',
  'sign-in-needed',
  'token-expired',
  'token-used',
])

/** Of a meeting that is over for this one: nothing of it is kept. */
const over: ReadonlySet<string> = new Set(['denied', 'removed', 'ended'])

const isOffline = (error: unknown) => error instanceof SignalingError && error.code === 'offline'

/**
 * One person's stay in one room: the way in, the signaling socket and what is told over it. Its
 * links to the others are {@link RoomLinks}.
 */
export class CallSession {
  /** What is read of the links. */
  readonly readings: LinkReadings
  readonly #options: CallSessionOptions
  readonly #links: RoomLinks
  readonly #notes: ConnectionNotes
  readonly #reconnection: Reconnection
  readonly #probe: SocketProbe
  readonly #told: HeldEvents
  /** Signals of peers whom nothing has named yet. */
  #early: { from: string; signal: Signal }[] = []
  #signaling: Signaling | undefined
  #sentMedia: MediaState | undefined
  #noticeId = 0
  /** Rises with every join and leave: what an older one awaited is of no interest any more. */
  #epoch = 0
  #cancelRefresh = () => {}
  /** That the answer to the last join took. */
  #answerMs = 0
  #serverAheadMs = 0

  constructor(options: CallSessionOptions) {
    this.#options = options
    this.#links = new RoomLinks({
      ...options,
      reporter: new LinkReporter(
        () => options.clock.now(),
        (report) => this.#report(report),
      ),
      localTracks: () => options.local().tracks,
      send: (to, signal) => void this.#signaling?.signal(to, signal).catch(() => {}),
      refreshToken: () => this.#freshToken(),
      onSfuUnreachable: () => void this.#takeMediaOf((signaling) => signaling.mediaUnreachable()),
      onTurn: (reachable) => {
        if (reachable) this.#notes.hide('turn-unreachable')
        else this.#notes.show('turn-unreachable')
      },
      onSlow: (slow) => {
        if (slow) this.#notes.show('low-bandwidth')
        else this.#notes.hide('low-bandwidth')
      },
      onCut: () => this.#probeSignaling(),
      onLeft: (name) => this.#notice('left', name),
    })
    this.readings = this.#links.readings
    this.#notes = new ConnectionNotes(options.call, options.clock)
    this.#probe = new SocketProbe(options.clock)
    this.#told = new HeldEvents((error) => options.onError(error))
    this.#reconnection = new Reconnection({
      clock: options.clock,
      policy: options.policy,
      connect: async () => this.#signaling?.connect(),
      enter: async (current) => this.#signaling && this.#enterRoom(this.#signaling, current),
      onAway: (signaling) => options.call.set({ signaling }),
      onFailed: (error) => this.#mayReturn(error),
    })
  }

  /** Joins; what goes wrong is in the state, not thrown. */
  async join({ room, name, relayForced, startedAt }: JoinOptions): Promise<void> {
    const { call, clock } = this.#options
    this.#end()
    const epoch = this.#epoch
    this.readings.begin(startedAt ?? clock.now())
    call.set({ ...initialCall, phase: 'joining', room, name, relayForced })
    try {
      await this.#enter(epoch)
    } catch (error) {
      if (epoch === this.#epoch) this.#fail(error)
    }
  }

  hideNote(note: ConnectionNote): void {
    this.#notes.dismiss(note)
  }

  leave(): void {
    this.#signaling?.leave()
    this.#end()
    this.#tellFollowers((follower) => follower.left())
    this.#options.call.set({ phase: 'left', participants: [], notices: [], signaling: 'up' })
  }

  /** The page goes away: the room is told, and nothing else needs to be put right. */
  depart(): void {
    this.#signaling?.leave()
    this.#links.depart()
  }

  /**
   * The network is back: sooner than the next try by the clock. It brings nobody in who has left, or was
   * shown out.
   */
  networkBack(): void {
    const { phase, error } = this.#options.call.get()
    const unreached = phase === 'failed' && error === 'offline'
    if (phase === 'joined' || phase === 'waiting' || unreached) void this.retry()
  }

  /** The person asks to try again: a failed join, a lost server or failed links. */
  async retry(): Promise<void> {
    const { phase, signaling, room, name, relayForced } = this.#options.call.get()
    if (phase === 'failed' || phase === 'left') return this.join({ room, name, relayForced })
    this.#links.retry()
    if (signaling === 'up') return
    this.#options.call.set({ signaling: 'reconnecting' })
    this.#reconnection.hurry()
  }

  /** Tracks or mute states changed. */
  localChanged(): void {
    this.#links.setTracks(this.#options.local().tracks)
    this.#shareMedia()
  }

  // -- entering the room -----------------------------------------------------------------------

  async #enter(epoch: number): Promise<void> {
    const { call, requestJoin, openSignaling } = this.#options
    const { room, name } = call.get()
    const current = () => epoch === this.#epoch
    const response = await this.#patiently(current, () => requestJoin(room, name))
    if (!current()) return
    // Credentials expire by the server's clock; this one may be off by hours.
    const { serverEpochMs } = response
    this.#serverAheadMs = serverEpochMs ? serverEpochMs - this.#options.epochMs() : 0
    this.#links.setIceServers(response.iceServers)
    if (response.media.mode === 'sfu') this.#options.prepareSfu()
    const signaling = openSignaling(response.token, this.#events(epoch))
    this.#signaling = signaling
    await this.#patiently(current, () => this.#connect(epoch, signaling))
    if (!current()) return signaling.close()
    await this.#enterRoom(signaling, current)
  }

  /** A server that is about to stop takes nobody new; the next try reaches another one. */
  async #connect(epoch: number, signaling: Signaling, attempt = 0): Promise<void> {
    const { clock, policy } = this.#options
    try {
      await signaling.connect()
    } catch (error) {
      const delayMs = policy.delayMs(attempt)
      if (!isOffline(error) || delayMs === undefined) throw error
      await new Promise<void>((resolve) => clock.after(delayMs, resolve))
      if (epoch === this.#epoch) await this.#connect(epoch, signaling, attempt + 1)
    }
  }

  /** @param current whether this is still the way in that is being taken */
  async #enterRoom(signaling: Signaling, current: () => boolean): Promise<void> {
    const { call, local } = this.#options
    const { media } = local()
    this.#sentMedia = media
    // Who is in already is brought back by the tries of the reconnection, and told by its notice.
    const joining = call.get().phase === 'joining'
    const ask = () => this.#askIn(signaling, media, current)
    const snapshot = await (joining ? this.#patiently(current, ask) : ask()).catch((error) => {
      if (!(error instanceof SignalingError && atTheDoor.has(error.code))) throw error
    })
    if (!current()) return
    if (!snapshot) return this.#knock(signaling, current)
    const first = call.get().phase !== 'joined'
    call.set({
      phase: 'joined',
      signaling: 'up',
      selfId: snapshot.self,
      maxParticipants: snapshot.maxParticipants,
    })
    if (first) {
      const others = snapshot.participants.some(({ id }) => id !== snapshot.self)
      this.readings.entered(others)
    }
    this.#takeRoom(snapshot)
    this.#told.release()
  }

  /** What the server tells meanwhile is of after its answer, and waits for it. */
  async #askIn(signaling: Signaling, media: MediaState, current: () => boolean) {
    const { clock } = this.#options
    const askedAt = clock.now()
    this.#told.hold()
    try {
      const snapshot = await signaling.join(media)
      if (current()) this.#answerMs = clock.now() - askedAt
      return snapshot
    } catch (error) {
      // Not what another try, which has begun since, is told.
      if (current()) this.#told.drop()
      throw error
    }
  }

  /** What is not to be had of the server now is asked for until it is, with a note that says so (REQ-W1). */
  async #patiently<T>(current: () => boolean, ask: () => Promise<T>): Promise<T> {
    for (;;)
      try {
        const answer = await ask()
        if (current()) this.#notes.hide('service-away')
        return answer
      } catch (error) {
        const passes = error instanceof SignalingError && error.code === 'unavailable'
        if (!passes || !current()) throw error
        this.#notes.show('service-away')
        await new Promise<void>((resolve) => this.#options.clock.after(unavailableMs, resolve))
        if (!current()) throw error
      }
  }

  /** A host has to let this one in. */
  async #knock(signaling: Signaling, current: () => boolean): Promise<void> {
    await signaling.ask('lobby:knock', {})
    if (!current()) return
    // Whoever was in and lost the seat is neither heard nor seen from before the door.
    this.#links.end()
    this.#options.call.set({ phase: 'waiting', signaling: 'up', participants: [] })
  }

  #admitted(): void {
    if (this.#options.call.get().phase !== 'waiting') return
    this.readings.begin(this.#options.clock.now())
    this.#reconnection.enter()
  }

  #takeRoom(snapshot: RoomSnapshot): void {
    this.#takeIceServers(snapshot.iceServers)
    this.#links.takeMedia(snapshot.media)
    this.#takeSnapshot(snapshot)
    this.#links.signalingRestored()
    this.#shareMedia()
    const ask: Ask = (event, message) =>
      this.#signaling?.ask(event, message) ??
      Promise.reject(new SignalingError('offline', 'the call is over'))
    this.#tellFollowers((follower) => follower.entered(snapshot, ask))
  }

  /** Makes the peers those of the snapshot; who is connected stays connected. */
  #takeSnapshot(snapshot: RoomSnapshot): void {
    const others = snapshot.participants.filter(({ id }) => id !== snapshot.self)
    this.#links.keepOnly(new Set(others.map(({ id }) => id)))
    for (const participant of others) {
      if (!this.#links.returned(participant)) this.#links.add(participant)
    }
    const early = this.#early
    this.#early = []
    for (const { from, signal } of early) this.#links.receive(from, signal)
  }

  #events(epoch: number): SignalingEvents {
    const current =
      <A extends unknown[]>(run: (...args: A) => void) =>
      (...args: A) => {
        if (epoch === this.#epoch) run(...args)
      }
    /** Of the room, and so after the room. */
    const inOrder = <A extends unknown[]>(run: (...args: A) => void) =>
      current((...args: A) => this.#told.take(() => run(...args)))
    return {
      onDisconnect: current(() => this.#disconnected()),
      onJoined: inOrder((participant) => this.#joined(participant)),
      onLeft: inOrder((id) => this.#links.gone(id)),
      onReplaced: current(() => this.#fail(new SignalingError('replaced', 'joined elsewhere'))),
      onMedia: inOrder((id, media) => this.#links.mediaChanged(id, media)),
      onMoved: inOrder((way) => this.#moved(way)),
      onSfuLost: inOrder(() => this.#links.sfuLost()),
      onHandedOver: current((snapshot) => this.#takeRoom(snapshot)),
      onAdmitted: current(() => this.#admitted()),
      onTurnedAway: current((code) => this.#fail(new SignalingError(code, 'by a host'))),
      onEvent: inOrder((event) => this.#tellFollowers((follower) => follower.heard(event))),
      onSignal: inOrder((from, signal) => {
        if (!this.#links.receive(from, signal)) this.#early.push({ from, signal })
      }),
    }
  }

  #joined(participant: Participant): void {
    const { call } = this.#options
    if (participant.id === call.get().selfId) return
    if (this.#links.returned(participant)) return
    this.#links.add(participant)
    this.#notice('joined', participant.name)
    const early = this.#early
    this.#early = early.filter(({ from }) => from !== participant.id)
    for (const { from, signal } of early)
      if (from === participant.id) this.#links.receive(from, signal)
  }

  #moved(way: RoomMove): void {
    if (way.mode === 'mesh') {
      // At once: signals of direct links are on their way already.
      this.#links.takeMedia({ mode: 'mesh', cameBack: true })
      if (way.reason === 'sfu-away') this.#notes.show('sfu-away')
    } else {
      this.#options.prepareSfu()
      void this.#takeMediaOf((signaling) => signaling.refreshMedia())
    }
  }

  async #takeMediaOf(ask: (signaling: Signaling) => Promise<RoomMedia>): Promise<void> {
    const epoch = this.#epoch
    // Lost on the way: the server tells of it again.
    const media = this.#signaling && (await ask(this.#signaling).catch(() => undefined))
    if (media && epoch === this.#epoch) this.#links.takeMedia(media)
  }

  async #freshToken(): Promise<string> {
    const media = await this.#signaling?.refreshMedia()
    if (media?.mode !== 'sfu') throw new SignalingError('unavailable', 'no token for the SFU')
    return media.token
  }

  // -- signaling -------------------------------------------------------------------------------

  /** What cut a link may have cut the socket, too: one that does not answer at once is given up. */
  #probeSignaling(): void {
    const [signaling, epoch] = [this.#signaling, this.#epoch]
    if (!signaling || this.#options.call.get().signaling !== 'up') return
    // Also credentials that are as fresh as can be, for the link to be tried anew with.
    const ask = async () => {
      const iceServers = await signaling.refreshTurn()
      if (epoch === this.#epoch) this.#takeIceServers(iceServers)
    }
    this.#probe.begin(ask, this.#answerMs, () => {
      signaling.drop()
      this.#disconnected()
    })
  }

  /** The socket first; peer connections wait for it (REQ-P9) and media flows on meanwhile. */
  #disconnected(): void {
    const { phase } = this.#options.call.get()
    if (phase !== 'joined' && phase !== 'waiting') return
    this.#probe.cancel()
    this.#tellFollowers((follower) => follower.away())
    this.#reconnection.lost()
  }

  /** @returns whether what kept this page from its seat may pass */
  #mayReturn(error: unknown): boolean {
    if (!(error instanceof SignalingError)) return true
    // The token ran out while we were away: a new one, which makes us a new participant.
    if (error.code === 'unauthenticated') {
      const { room, name, relayForced } = this.#options.call.get()
      void this.join({ room, name, relayForced })
      return false
    }
    if (final.has(error.code)) this.#fail(error)
    return !final.has(error.code)
  }

  #shareMedia(): void {
    const { call, local, clock } = this.#options
    const { media } = local()
    const sent = this.#sentMedia
    if (call.get().phase !== 'joined' || call.get().signaling !== 'up') return
    if (sent && sameMedia(sent, media)) return
    this.#sentMedia = media
    const epoch = this.#epoch
    this.#signaling?.mediaState(media).catch((error) => {
      if (epoch !== this.#epoch || this.#sentMedia !== media) return
      // Not taken: it is said again. A socket that was lost says it when it is back.
      this.#sentMedia = undefined
      if (!isOffline(error))
        clock.after(mediaAgainMs, () => {
          if (epoch === this.#epoch) this.#shareMedia()
        })
    })
  }

  #takeIceServers(iceServers: IceServer[]): void {
    this.#links.setIceServers(iceServers)
    const serverEpochMs = this.#options.epochMs() + this.#serverAheadMs
    this.#refreshTurnIn(turnRefreshDelayMs(iceServers, serverEpochMs))
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

  async #report(report: LinkReport): Promise<void> {
    try {
      await this.#signaling?.report(report)
    } catch (error) {
      // The same again would be refused again; a server that is away is told later.
      if (error instanceof SignalingError && passing.has(error.code)) throw error
    }
  }

  #tellFollowers(tell: (follower: RoomFollower) => void): void {
    for (const follower of this.#options.followers) this.#told.run(() => tell(follower))
  }

  // -- state -----------------------------------------------------------------------------------

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
    if (over.has(code)) this.#tellFollowers((follower) => follower.left())
    this.#options.call.set({ phase: 'failed', error: code, participants: [] })
  }

  /** Stops all that goes on; the state is the caller's to set. */
  #end(): void {
    this.#epoch++
    this.#reconnection.stop()
    this.#probe.cancel()
    this.#cancelRefresh()
    this.#links.end()
    this.#notes.clear()
    this.#tellFollowers((follower) => follower.away())
    this.#told.drop()
    this.#early = []
    this.#sentMedia = undefined
    this.#signaling?.close()
    this.#signaling = undefined
  }
}
