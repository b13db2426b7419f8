import type { Signal } from '@parley/protocol'
import { type IceError, iceErrorOf } from '../linkReports/linkFacts.ts'
import { Accord } from './Accord.ts'
import { Heartbeat } from './Heartbeat.ts'
import type { LinkConnection, LinkState, LocalTracks, PeerLinkOptions, SendLimit } from './link.ts'
import { rowsOf } from './linkStats.ts'
import { Negotiation } from './Negotiation.ts'
import { RelayWord } from './RelayWord.ts'
import { sdpSession } from './sdp.ts'
import { TrackSender } from './TrackSender.ts'

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
  #connection: LinkConnection
  #negotiation: Negotiation
  #heartbeat: Heartbeat
  #sender: TrackSender
  #relayWord: RelayWord
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
  #say = (_word: string) => {}

  constructor(options: PeerLinkOptions) {
    this.#options = options
    this.leads = options.selfId < options.peerId
    this.#configuration = options.configuration
    this.#tracks = options.tracks
    this.#accord = new Accord({ clock: options.clock, say: (word) => this.#say(word) })
    const parts = this.#build()
    this.#connection = parts.connection
    this.#negotiation = parts.negotiation
    this.#heartbeat = parts.heartbeat
    this.#sender = parts.sender
    this.#relayWord = parts.relayWord
    this.#lead()
  }

  get state(): LinkState {
    return this.#state
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#connection.connectionState
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#connection.iceConnectionState
  }

  /** Takes what the other end sent through signaling. */
  receive(signal: Signal): void {
    if (this.#closed) return
    if (!this.#concerns(signal)) return
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
    const negotiation = this.#negotiation
    negotiation.receive(signal).catch((error) => {
      if (negotiation === this.#negotiation && !this.#closed) this.#options.onError(error)
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
    return !this.#negotiation.isOutdated(signal.description)
  }

  /** Sends these tracks from now on; null sends nothing. Needs no new negotiation. */
  setTracks(tracks: LocalTracks): void {
    this.#tracks = tracks
    this.#attachTracks()
  }

  setSendLimit(limit: SendLimit): void {
    this.#sendLimit = limit
    this.#sender.limit(this.#sendLimit)
  }

  /** New TURN credentials: used from the next ICE restart on. */
  setIceServers(iceServers: RTCIceServer[]): void {
    this.#configuration = { ...this.#configuration, iceServers }
    if (!this.#closed) this.#connection.setConfiguration(this.#configuration)
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
    const relayWord = this.#relayWord
    const rows = relayWord.read(rowsOf(await this.#connection.getStats()))
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
    return this.#connection
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
    this.#dismantle()
  }

  // -- making a connection ---------------------------------------------------------------------

  #build() {
    const { createConnection, clock, onError } = this.#options
    const connection = createConnection(this.#configuration)
    const current = () => !this.#closed && this.#connection === connection
    const sender = new TrackSender(connection, this.#options)
    const negotiation = new Negotiation({
      connection,
      polite: !this.leads,
      send: (signal) => this.#options.send(signal),
      beforeAnswer: () => this.#attachTracks(),
    })
    const channel = connection.createDataChannel('heartbeat', {
      negotiated: true,
      id: 0,
      ordered: false,
      maxRetransmits: 0,
    })
    const say = (word: string) => {
      if (channel.readyState === 'open') channel.send(word)
    }
    this.#say = say
    const relayWord = new RelayWord(say)
    const heartbeat = new Heartbeat({
      clock,
      send: say,
      onSilent: () => current() && this.#lost(),
      onHeard: () => current() && this.#found(),
    })
    channel.onopen = () => {
      if (!current()) return
      heartbeat.start()
      // So that the other end knows as soon as it can which way this end takes.
      void this.stats().catch(() => {})
      this.#found()
    }
    // Closed by the other end: it left, or its page is gone.
    channel.onclose = () => current() && this.#lost()
    channel.onmessage = (event) => {
      heartbeat.receive(String(event.data))
      relayWord.receive(String(event.data))
      if (current()) this.#accord.receive(String(event.data))
    }
    connection.onnegotiationneeded = () => {
      // The first offer is the leader's, or the two ends' transceivers would not pair up.
      if (!this.leads && this.#remoteSession === undefined) return
      negotiation
        .offer()
        .then(() => current() && this.#state === 'connected' && this.#settle())
        .catch((error) => current() && onError(error))
    }
    connection.onicecandidate = ({ candidate }) => {
      if (current())
        this.#options.send({ candidate: candidate ? candidateMessage(candidate) : null })
    }
    connection.onicecandidateerror = (event) => {
      if (!current()) return
      this.iceErrors.push(iceErrorOf(event))
      if (this.iceErrors.length > iceErrorsMax) this.iceErrors.shift()
    }
    connection.ontrack = ({ track, transceiver }) => {
      if (!current()) return
      const kind = sender.kindOf(transceiver)
      this.tracks[kind] = track
      this.#options.onTrack(kind, track)
    }
    connection.onconnectionstatechange = () => {
      if (!current()) return
      this.#options.onConnectionState()
      const state = connection.connectionState
      if (state === 'connected') this.#found()
      else if (state === 'disconnected' || state === 'failed') this.#lost()
    }
    connection.oniceconnectionstatechange = () => {
      if (current()) this.#options.onConnectionState()
    }
    return { connection, negotiation, heartbeat, sender, relayWord }
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
      this.#sender.begin(this.#tracks)
      this.#sender.limit(this.#sendLimit)
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
    this.#dismantle()
    this.#remoteSession = undefined
    const parts = this.#build()
    this.#connection = parts.connection
    this.#negotiation = parts.negotiation
    this.#heartbeat = parts.heartbeat
    this.#sender = parts.sender
    this.#relayWord = parts.relayWord
  }

  #dismantle(): void {
    this.#heartbeat.stop()
    this.#negotiation.close()
    this.#connection.close()
  }

  #attachTracks(): void {
    if (this.#closed) return
    this.#sender.send(this.#tracks)
    this.#sender.limit(this.#sendLimit)
  }

  // -- keeping it ------------------------------------------------------------------------------

  #found(): void {
    if (this.#connection.connectionState !== 'connected') return
    this.#cancelTry()
    this.#waitingForSignaling = false
    this.#attempt = 0
    this.#patienceMs = patienceMs.first
    this.#heartbeat.renew()
    this.#setState('connected')
    this.#sender.limit(this.#sendLimit)
    this.#settle()
  }

  /** An offer that was lost is never answered, and until it is, nothing else can be agreed: a screen, say. */
  #settle(): void {
    if (this.#connection.signalingState !== 'have-local-offer') return
    this.#cancelTry()
    this.#cancelTry = this.#options.clock.after(settleMs, () => {
      if (this.#options.signalingUp()) this.#repeat()
      this.#settle()
    })
  }

  #lost(): void {
    if (this.#closed || this.#trying) return
    this.#attempt = 0
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
    if (!this.#offered || this.#connection.signalingState !== 'have-local-offer') return false
    if (this.#options.clock.now() - this.#offered.atMs < this.#patienceMs) return true
    this.#patienceMs = Math.min(2 * this.#patienceMs, patienceMs.longest)
    return false
  }

  #repeat(): void {
    this.#negotiation.repeat().catch(this.#options.onError)
  }

  #restart(): void {
    this.#connection.restartIce()
    // Until an offer that was made has its answer, the browser finds no other one due.
    if (this.#connection.signalingState === 'have-local-offer')
      this.#negotiation.offer().catch(this.#options.onError)
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState(state)
  }
}

function candidateMessage(candidate: RTCIceCandidate): RTCIceCandidateInit & { candidate: string } {
  const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate
  return { candidate: line, sdpMid, sdpMLineIndex, usernameFragment }
}
