import type { Signal } from '@parley/protocol'
import { type IceError, iceErrorOf } from '../linkReports/linkFacts.ts'
import { Accord } from './Accord.ts'
import type { LinkState, LocalTracks, PeerLinkOptions, SendLimit } from './link.ts'
import { PeerTransport } from './PeerTransport.ts'
import { sdpSession } from './sdp.ts'

export type {
  LinkConnection,
  LinkState,
  LocalTracks,
  PeerLinkOptions,
  SendLimit,
  TrackKind,
} from './link.ts'

/** A connection that comes to nothing within this time is tried again. */
const connectDeadlineMs = 10_000
/** Two ends that offer at the same time undo each other's try: the one that does not lead leaves it this lead. */
const followMs = 3000
/** After which an offer is made again that was on its way when the path came back by itself. */
const settleMs = 3000
/** From this try on, a new connection is made instead of restarting ICE on the old one. */
const rebuildFromAttempt = 3
/** For so long the leading end is left alone that was heard: it is at it, and offers that cross cost both of them time. */
const leaderMs = 10_000
/** An offer that has no answer for so long is given up, and each one after it has twice the time. */
const patienceMs = { first: 30_000, longest: 120_000 }
/** Where the quick tries are used up, it is still tried, and the person may ask for it. */
const failedRetryMs = 15_000
const iceErrorsMax = 16

/**
 * The way to one other participant: a peer connection, kept alive.
 *
 * Of the two ends, the one with the smaller id leads: it is the impolite one, it makes the first
 * offer with one audio and one video transceiver, and it alone replaces a connection that restarts
 * cannot revive. The other end takes an offer of a new SDP session as word of such a replacement.
 */
export class PeerLink {
  readonly leads: boolean
  /** What is received. */
  readonly tracks: LocalTracks = { audio: null, video: null }
  /** Of STUN and TURN servers, the last ones. */
  readonly iceErrors: IceError[] = []
  readonly #options: PeerLinkOptions
  #transport: PeerTransport
  #configuration: RTCConfiguration
  #tracks: LocalTracks
  #state: LinkState = 'connecting'
  #remoteSession: string | undefined
  #attempt = 0
  #waitingForSignaling = false
  /** What was offered before a cut is of a network that was away, or came to nobody. */
  #offerAnew = false
  #cancelTry = () => {}
  /** The last offer of these tries, when it was made, and for how long it is said again. */
  #offered: { atMs: number } | undefined
  #patienceMs = patienceMs.first
  #heardAtMs = -Infinity
  #closed = false
  #sendLimit: SendLimit | undefined
  readonly #accord: Accord

  constructor(options: PeerLinkOptions) {
    this.#options = options
    this.leads = options.selfId < options.peerId
    this.#configuration = options.configuration
    this.#tracks = options.tracks
    this.#accord = new Accord({ clock: options.clock, say: (word) => this.#transport.say(word) })
    this.#transport = this.#build()
    this.#lead()
  }

  get state(): LinkState {
    return this.#state
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#transport.connection.connectionState
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#transport.connection.iceConnectionState
  }

  /** Takes what the other end sent through signaling. */
  receive(signal: Signal): void {
    if (this.#closed || !this.#concerns(signal)) return
    if ('description' in signal) {
      const session = sdpSession(signal.description.sdp)
      const replaced = this.#remoteSession !== undefined && session !== this.#remoteSession
      // The other end's connection is a new one, which ours cannot be joined to.
      if (replaced) this.#beginAnew(this.#trying ? this.#state : 'connecting')
      // An answer of that new one was meant for our old one.
      if (replaced && this.leads) return
      if (this.#remoteSession === undefined) this.#heardFirst()
      else if (signal.description.type === 'answer') this.#answered()
      this.#remoteSession = session
      this.#heardAtMs = this.#options.clock.now()
    }
    const { negotiation } = this.#transport
    negotiation.receive(signal).catch((error) => {
      if (negotiation === this.#transport.negotiation && !this.#closed) this.#options.onError(error)
    })
  }

  /**
   * The other end's messages keep their order: until it has answered the leading end's first offer, or has had it, all
   * that comes is of a connection before this one. Taken for this one's, it would have both ends begin anew for ever.
   */
  #concerns(signal: Signal): boolean {
    const first = this.leads ? 'answer' : 'offer'
    if (!('description' in signal)) return this.#remoteSession !== undefined
    if (this.#remoteSession === undefined && signal.description.type !== first) return false
    return !this.#transport.negotiation.isOutdated(signal.description)
  }

  /** Sends these tracks from now on; null sends nothing. Needs no new negotiation. */
  setTracks(tracks: LocalTracks): void {
    this.#tracks = tracks
    this.#attachTracks()
  }

  setSendLimit(limit: SendLimit): void {
    this.#sendLimit = limit
    this.#transport.sender.limit(this.#sendLimit)
  }

  /** New TURN credentials: used from the next ICE restart on. */
  setIceServers(iceServers: RTCIceServer[]): void {
    this.#configuration = { ...this.#configuration, iceServers }
    if (!this.#closed) this.#transport.connection.setConfiguration(this.#configuration)
  }

  /**
   * The socket is back: a try that had to wait is made now. A connection that works is left alone: where an offer was
   * made again beside one that was still being answered, one end got no video any more after cuts of 3 s.
   */
  signalingRestored(): void {
    if (this.#closed || this.#state === 'connected') return
    if (this.#waitingForSignaling || this.#state !== 'connecting') {
      this.#waitingForSignaling = false
      this.#attempt = 0
      this.#offerAnew = true
      this.#recover()
    }
  }

  /** Starts over after `failed`. */
  retry(): void {
    if (this.#closed || this.#state !== 'failed') return
    this.#attempt = 0
    this.#offerAnew = true
    this.#recover()
  }

  /**
   * The other participant's socket is another one, or was away: what was sent to it before may never
   * have arrived. The path of a connection that is being tried anew may yet come back by itself, so it
   * is kept beside; one that was given up begins anew.
   */
  peerReturned(): void {
    if (this.#closed || !this.leads || this.#state === 'connected') return
    if (this.#state === 'reconnecting') {
      this.#attempt = 0
      this.#offerAnew = true
      this.#tryAgain()
    } else this.#beginAnew()
  }

  /**
   * This end needs the link no more. It goes on until the other end says so, too.
   * @param onDone neither end needs it
   */
  finish(onDone: () => void): void {
    this.#accord.agree('done', onDone)
  }

  /**
   * This end gets over the link what it needs.
   * @param onLive both ends do: whatever brought it before may end
   */
  confirm(onLive: () => void): void {
    this.#accord.agree('live', onLive)
  }

  /** As the browser has it, but for what is shared, and for what only the other end knows. */
  async stats(): Promise<RTCStatsReport> {
    const rows = await this.#transport.rows()
    const { screen, screenAudio } = this.tracks
    // What is read tells of the person: of voice and camera, not of what is shared.
    const shared: unknown[] = screen ? [screen.id, screenAudio?.id] : []
    const kept = rows.filter(
      ([, row]) => !shared.includes((row as { trackIdentifier?: string }).trackIdentifier ?? ''),
    )
    return new Map(kept) as unknown as RTCStatsReport
  }

  /** When audio was last played out, as the receiver knows it: a cheap "is it audible yet". */
  hasPlayedAudio(): boolean {
    return this.#transport.connection
      .getTransceivers()
      .some(
        ({ receiver }) =>
          receiver.track.kind === 'audio' && receiver.getSynchronizationSources().length > 0,
      )
  }

  close(): void {
    this.#closed = true
    this.#accord.stop()
    this.#cancelTry()
    this.#transport.close()
  }

  // -- making a connection ---------------------------------------------------------------------

  #build(): PeerTransport {
    return new PeerTransport({
      ...this.#options,
      configuration: this.#configuration,
      polite: !this.leads,
      beforeAnswer: () => this.#attachTracks(),
      // The first offer is the leader's, or the two ends' transceivers would not pair up.
      mayOffer: () => this.leads || this.#remoteSession !== undefined,
      onOffered: () => this.#state === 'connected' && this.#settle(),
      onIceError: (event) => {
        this.iceErrors.push(iceErrorOf(event))
        if (this.iceErrors.length > iceErrorsMax) this.iceErrors.shift()
      },
      onTrack: (kind, track) => {
        this.tracks[kind] = track
        this.#options.onTrack(kind, track)
      },
      onFound: () => this.#found(),
      onLost: () => this.#lost(),
      onWord: (word) => this.#accord.receive(word),
    })
  }

  #beginAnew(state: LinkState = 'connecting'): void {
    this.#replaceConnection()
    this.#setState(state)
    this.#lead()
  }

  get #trying(): boolean {
    return this.#state === 'reconnecting' || this.#state === 'failed'
  }

  /** The leading end makes the offer; the other waits for it. Neither waits for ever. */
  #lead(): void {
    this.#offered = { atMs: this.#options.clock.now() }
    if (this.leads) {
      const { sender } = this.#transport
      sender.begin(this.#tracks)
      sender.limit(this.#sendLimit)
      this.#transport.offer()
    }
    this.#awaitConnection()
  }

  #awaitConnection(): void {
    this.#cancelTry()
    this.#cancelTry = this.#options.clock.after(connectDeadlineMs, () =>
      this.#trying ? this.#tryAgain() : this.#lost(),
    )
  }

  #replaceConnection(): void {
    this.#transport.close()
    this.#remoteSession = undefined
    this.#transport = this.#build()
  }

  #attachTracks(): void {
    if (this.#closed) return
    this.#transport.sender.send(this.#tracks)
    this.#transport.sender.limit(this.#sendLimit)
  }

  // -- keeping it ------------------------------------------------------------------------------

  #found(): void {
    if (this.#transport.connection.connectionState !== 'connected') return
    this.#cancelTry()
    this.#waitingForSignaling = false
    this.#attempt = 0
    this.#patienceMs = patienceMs.first
    this.#transport.heartbeat.renew()
    this.#setState('connected')
    this.#transport.sender.limit(this.#sendLimit)
    this.#transport.sender.hold(false)
    this.#settle()
  }

  /** An offer that was lost is never answered, and until it is, nothing else can be agreed: a screen, say. */
  #settle(): void {
    if (this.#transport.connection.signalingState !== 'have-local-offer') return
    this.#cancelTry()
    this.#cancelTry = this.#options.clock.after(settleMs, () => {
      if (this.#options.signalingUp()) this.#repeat()
      this.#settle()
    })
  }

  #lost(): void {
    if (this.#closed || this.#trying) return
    this.#attempt = 0
    this.#transport.sender.hold(true)
    if (this.#state === 'connected') {
      // What was said before is of the path that was lost.
      this.#offered = undefined
      this.#heardAtMs = -Infinity
    }
    this.#recover()
  }

  #recover(): void {
    const delayMs = this.#delayMs()
    this.#cancelTry()
    this.#setState(delayMs === undefined ? 'failed' : 'reconnecting')
    if (delayMs === 0) this.#tryAgain()
    else this.#tryIn(delayMs ?? failedRetryMs)
  }

  #tryIn(delayMs: number): void {
    this.#cancelTry()
    this.#cancelTry = this.#options.clock.after(delayMs, () => this.#tryAgain())
  }

  #delayMs(): number | undefined {
    const delayMs = this.#options.policy.delayMs(this.#attempt)
    return this.leads || this.#attempt > 0 || delayMs === undefined ? delayMs : delayMs + followMs
  }

  /** A new connection has all of its time from when both ends know of it, which with a busy page may be late. */
  #heardFirst(): void {
    if (this.#state === 'connecting') this.#awaitConnection()
    else if (this.#state === 'reconnecting' && !this.#waitingForSignaling)
      this.#tryIn(connectDeadlineMs)
  }

  /** So has the path of a restart; over a slow way the other end knows of it as late as this one does. */
  #answered(): void {
    if (this.#state !== 'reconnecting' || this.#waitingForSignaling || !this.#offered) return
    const tookMs = Math.min(this.#options.clock.now() - this.#offered.atMs, connectDeadlineMs)
    this.#tryIn(Math.max(this.#delayMs() ?? failedRetryMs, tookMs))
  }

  #tryAgain(): void {
    if (this.#closed) return
    if (!this.#options.signalingUp()) {
      this.#waitingForSignaling = true
      return
    }
    const { clock } = this.#options
    const rebuild = this.leads && this.#attempt >= rebuildFromAttempt
    this.#attempt++
    const anew = this.#offerAnew
    this.#offerAnew = false
    const ledBy = !this.leads && clock.now() - this.#heardAtMs < leaderMs
    if (!anew && this.#awaitsAnswer()) this.#repeat()
    else if (anew || !ledBy) {
      this.#offered = { atMs: clock.now() }
      if (rebuild) {
        this.#replaceConnection()
        this.#lead()
      } else this.#restart()
    }
    this.#recover()
  }

  /**
   * The other end's page may be busy, and its answer on the way: a new offer, or a new connection, would make that
   * worthless, and the page busier. But whatever it is that this one is never answered for, another one may be.
   */
  #awaitsAnswer(): boolean {
    if (!this.#offered || this.#transport.connection.signalingState !== 'have-local-offer')
      return false
    if (this.#options.clock.now() - this.#offered.atMs < this.#patienceMs) return true
    this.#patienceMs = Math.min(2 * this.#patienceMs, patienceMs.longest)
    return false
  }

  #repeat(): void {
    this.#transport.negotiation.repeat().catch(this.#options.onError)
  }

  #restart(): void {
    const { connection, negotiation } = this.#transport
    connection.restartIce()
    // Until an offer that was made has its answer, the browser finds no other one due.
    if (connection.signalingState === 'have-local-offer')
      negotiation.offer().catch(this.#options.onError)
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState(state)
  }
}
