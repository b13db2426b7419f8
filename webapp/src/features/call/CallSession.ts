import type { LinkReport, Participant, RoomMedia, RoomSnapshot } from '@parley/protocol'
import { type ConnectionNote, ConnectionNotes } from '../connection/ConnectionNotes.ts'
import { Reconnection } from '../connection/Reconnection.ts'
import { isFinal, isOver, isPassing, isUnauthenticated } from '../connection/refusals.ts'
import {
  type Ask,
  type RoomMove,
  type Signaling,
  SignalingError,
  type SignalingEvents,
} from '../connection/Signaling.ts'
import { SocketProbe } from '../connection/SocketProbe.ts'
import { TurnRenewal } from '../connection/TurnRenewal.ts'
import { LinkReporter } from '../linkReports/LinkReporter.ts'
import type { CallSessionOptions, JoinOptions } from './callOptions.ts'
import { initialCall } from './callState.ts'
import { EarlySignals } from './EarlySignals.ts'
import { HeldEvents } from './HeldEvents.ts'
import type { LinkReadings } from './LinkReadings.ts'
import { Newcomers } from './Newcomers.ts'
import type { RoomFollower } from './RoomFollower.ts'
import { RoomLinks } from './RoomLinks.ts'
import { RoomNotices } from './RoomNotices.ts'
import { ToldMedia } from './ToldMedia.ts'
import { WayIn } from './WayIn.ts'

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
  readonly #wayIn: WayIn
  readonly #media: ToldMedia
  readonly #turn: TurnRenewal
  readonly #notices: RoomNotices
  readonly #newcomers: Newcomers
  #early = new EarlySignals()
  #signaling: Signaling | undefined
  /** Rises with every join and leave: what an older one awaited is of no interest any more. */
  #epoch = 0
  /** Since the last knock, and before its answer. */
  #letIn = false

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
      onLeft: (name) => this.#notices.show('left', name),
    })
    this.readings = this.#links.readings
    this.#notes = new ConnectionNotes(options.call, options.clock)
    this.#probe = new SocketProbe(options.clock)
    this.#told = new HeldEvents((error) => options.onError(error))
    this.#notices = new RoomNotices(options.call, options.clock)
    this.#newcomers = new Newcomers(options.clock, (participant) => this.#add(participant))
    this.#wayIn = new WayIn({ ...options, notes: this.#notes, told: this.#told })
    this.#media = new ToldMedia({
      clock: options.clock,
      media: () => options.local().media,
      listening: () => {
        const { phase, signaling } = options.call.get()
        return phase === 'joined' && signaling === 'up'
      },
      tell: (media) => this.#signaling?.mediaState(media),
    })
    this.#turn = new TurnRenewal({
      clock: options.clock,
      epochMs: () => options.epochMs(),
      refresh: async () => this.#signaling?.refreshTurn(),
      onIceServers: (iceServers) => this.#links.setIceServers(iceServers),
    })
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
    this.#media.share()
  }

  // -- entering the room -----------------------------------------------------------------------

  async #enter(epoch: number): Promise<void> {
    const { call, requestJoin, openSignaling } = this.#options
    const { room, name } = call.get()
    const current = () => epoch === this.#epoch
    const response = await this.#wayIn.patiently(current, () => requestJoin(room, name))
    if (!current()) return
    this.#turn.goBy(response.serverEpochMs)
    this.#links.setIceServers(response.iceServers)
    const { media } = response
    if (media.mode === 'sfu') {
      this.#options.prepareSfu()
      // The seat is taken: there is no need to wait for the socket, which comes to it.
      if (media.token !== undefined) this.#links.takeMedia({ ...media, token: media.token })
    }
    const signaling = openSignaling(response.token, this.#events(epoch))
    this.#signaling = signaling
    await this.#wayIn.patiently(current, () => this.#wayIn.connect(signaling, current))
    if (!current()) return signaling.close()
    await this.#enterRoom(signaling, current)
  }

  /** @param current whether this is still the way in that is being taken */
  async #enterRoom(signaling: Signaling, current: () => boolean): Promise<void> {
    const { call } = this.#options
    const media = this.#media.atJoin()
    const ask = () => this.#wayIn.seat(signaling, media, current)
    // Who is in already is brought back by the tries of the reconnection, and told by its notice.
    const joining = call.get().phase === 'joining'
    const snapshot = await (joining ? this.#wayIn.patiently(current, ask) : ask())
    if (!current()) return
    if (!snapshot) return this.#knock(signaling, current)
    const first = call.get().phase !== 'joined'
    const wasAway = call.get().signaling !== 'up'
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
    this.#takeRoom(snapshot, first)
    if (wasAway) this.#links.serverReached()
    this.#told.release()
  }

  /** A host has to let this one in. */
  async #knock(signaling: Signaling, current: () => boolean): Promise<void> {
    this.#letIn = false
    await signaling.ask('lobby:knock', {})
    if (!current()) return
    // Whoever was in and lost the seat is neither heard nor seen from before the door.
    this.#links.end()
    this.#options.call.set({ phase: 'waiting', signaling: 'up', participants: [] })
    if (this.#letIn) this.#admitted()
  }

  #admitted(): void {
    // A door that was opened meanwhile says so before it answers the knock.
    this.#letIn = true
    if (this.#options.call.get().phase !== 'waiting') return
    this.readings.begin(this.#options.clock.now())
    this.#reconnection.enter()
  }

  #takeRoom(snapshot: RoomSnapshot, first = false): void {
    const { media } = snapshot
    this.#turn.take(snapshot.iceServers)
    // Who comes knows the room from this server alone: a mesh it is, whatever came with the token.
    this.#links.takeMedia(first && media.mode === 'mesh' ? { ...media, cameBack: true } : media)
    this.#takeSnapshot(snapshot)
    this.#links.signalingRestored()
    this.#media.share()
    const ask: Ask = (event, message) =>
      this.#signaling?.ask(event, message) ??
      Promise.reject(new SignalingError('offline', 'the call is over'))
    this.#tellFollowers((follower) => follower.entered(snapshot, ask))
  }

  /** Makes the peers those of the snapshot; who is connected stays connected. */
  #takeSnapshot(snapshot: RoomSnapshot): void {
    const others = snapshot.participants.filter(({ id }) => id !== snapshot.self)
    this.#newcomers.clear()
    this.#links.keepOnly(new Set(others.map(({ id }) => id)))
    for (const participant of others) {
      if (!this.#links.returned(participant)) this.#links.add(participant)
    }
    for (const { from, signal } of this.#early.take()) this.#links.receive(from, signal)
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
      onLeft: inOrder((id) => {
        this.#newcomers.gone(id)
        this.#links.gone(id)
      }),
      onReplaced: current(() => this.#fail(new SignalingError('replaced', 'joined elsewhere'))),
      onMedia: inOrder((id, media) => {
        if (!this.#newcomers.mediaChanged(id, media)) this.#links.mediaChanged(id, media)
      }),
      onMoved: inOrder((way) => this.#moved(way)),
      onSfuLost: inOrder(() => this.#links.sfuLost()),
      onHandedOver: current((snapshot) => this.#takeRoom(snapshot)),
      onAdmitted: current(() => this.#admitted()),
      onTurnedAway: current((code) => this.#fail(new SignalingError(code, 'by a host'))),
      onEvent: inOrder((event) => this.#tellFollowers((follower) => follower.heard(event))),
      onSignal: inOrder((from, signal) => {
        if (!this.#links.receive(from, signal)) this.#early.keep(from, signal)
      }),
    }
  }

  #joined(participant: Participant): void {
    const { call } = this.#options
    if (participant.id === call.get().selfId) return
    if (this.#links.returned(participant)) return
    if (this.#links.way === 'sfu') this.#newcomers.add(participant)
    else this.#add(participant)
  }

  #add(participant: Participant): void {
    this.#links.add(participant)
    this.#notices.show('joined', participant.name)
    for (const { from, signal } of this.#early.take(participant.id))
      this.#links.receive(from, signal)
  }

  #moved(way: RoomMove): void {
    if (way.mode === 'mesh') {
      // At once: signals of direct links are on their way already.
      this.#newcomers.showAll()
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
      if (epoch === this.#epoch) this.#turn.take(iceServers)
    }
    this.#probe.begin(ask, this.#wayIn.answerMs, () => {
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
    // The token ran out while we were away: a new one, which makes us a new participant.
    if (isUnauthenticated(error)) {
      const { room, name, relayForced } = this.#options.call.get()
      void this.join({ room, name, relayForced })
      return false
    }
    const final = isFinal(error)
    if (final) this.#fail(error)
    return !final
  }

  async #report(report: LinkReport): Promise<void> {
    try {
      await this.#signaling?.report(report)
    } catch (error) {
      // The same again would be refused again; a server that is away is told later.
      if (isPassing(error)) throw error
    }
  }

  #tellFollowers(tell: (follower: RoomFollower) => void): void {
    for (const follower of this.#options.followers) this.#told.run(() => tell(follower))
  }

  // -- state -----------------------------------------------------------------------------------

  #fail(error: unknown): void {
    this.#end()
    const code = error instanceof SignalingError ? error.code : 'internal'
    if (isOver(error)) this.#tellFollowers((follower) => follower.left())
    this.#options.call.set({ phase: 'failed', error: code, participants: [] })
  }

  /** Stops all that goes on; the state is the caller's to set. */
  #end(): void {
    this.#epoch++
    this.#reconnection.stop()
    this.#probe.cancel()
    this.#turn.stop()
    this.#newcomers.clear()
    this.#links.end()
    this.#notes.clear()
    this.#tellFollowers((follower) => follower.away())
    this.#told.drop()
    this.#early = new EarlySignals()
    this.#media.forget()
    this.#signaling?.close()
    this.#signaling = undefined
  }
}
