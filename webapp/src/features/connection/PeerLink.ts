import type { Signal } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import { type IceError, iceErrorOf } from '../linkReports/linkFacts.ts'
import { Accord } from './Accord.ts'
import { Heartbeat } from './Heartbeat.ts'
import { rowsOf } from './linkStats.ts'
import { Negotiation } from './Negotiation.ts'
import type { ReconnectPolicy } from './ReconnectPolicy.ts'
import { ScreenSender } from './ScreenSender.ts'
import { sdpSession } from './sdp.ts'
import { applyEncoding, encodingFor } from './sending.ts'

/** `failed`: given up; {@link PeerLink.retry} starts over. */
export type LinkState = 'connecting' | 'connected' | 'reconnecting' | 'failed'

/** What one end sends to another, or receives of it. */
export type LocalTracks = {
  audio: MediaStreamTrack | null
  video: MediaStreamTrack | null
  /** A shared screen, and what is heard of it. Left out: none. */
  screen?: MediaStreamTrack | null
  screenAudio?: MediaStreamTrack | null
}

export type TrackKind = keyof LocalTracks

/** As much of an RTCPeerConnection as a link takes: what a test has to imitate. */
export type LinkConnection = Pick<
  RTCPeerConnection,
  | 'signalingState'
  | 'connectionState'
  | 'iceConnectionState'
  | 'localDescription'
  | 'setLocalDescription'
  | 'setRemoteDescription'
  | 'addIceCandidate'
  | 'restartIce'
  | 'addTransceiver'
  | 'getTransceivers'
  | 'createDataChannel'
  | 'setConfiguration'
  | 'getStats'
  | 'close'
> & {
  onnegotiationneeded: ((event: never) => unknown) | null
  onicecandidate: ((event: RTCPeerConnectionIceEvent) => unknown) | null
  onicecandidateerror: ((event: RTCPeerConnectionIceErrorEvent) => unknown) | null
  ontrack: ((event: RTCTrackEvent) => unknown) | null
  onconnectionstatechange: ((event: never) => unknown) | null
  oniceconnectionstatechange: ((event: never) => unknown) | null
}

export type PeerLinkOptions = {
  selfId: string
  peerId: string
  clock: Clock
  policy: ReconnectPolicy
  configuration: RTCConfiguration
  tracks: LocalTracks
  /** Names the tracks as one stream, so that the other end plays voice and lips together. */
  stream?: MediaStream
  /** In the order in which to offer them; undefined leaves that to the browser. */
  videoCodecs?(): RTCRtpCodec[] | undefined
  createConnection(configuration: RTCConfiguration): LinkConnection
  send(signal: Signal): void
  /** No peer connection is tried again before the signaling socket is up (REQ-P9). */
  signalingUp(): boolean
  onState(state: LinkState): void
  /** `connectionState` or `iceConnectionState` changed. */
  onConnectionState(): void
  /** Null: what was received has ended. */
  onTrack(kind: TrackKind, track: MediaStreamTrack | null): void
  onError(error: unknown): void
}

/** A connection that comes to nothing within this time is tried again. */
const connectDeadlineMs = 10_000
/** From this try on, a new connection is made instead of restarting ICE on the old one. */
const rebuildFromAttempt = 3
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
  #screen: ScreenSender
  #configuration: RTCConfiguration
  #tracks: LocalTracks
  #state: LinkState = 'connecting'
  #remoteSession: string | undefined
  #attempt = 0
  #waitingForSignaling = false
  #cancelTry = () => {}
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
    this.#screen = parts.screen
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
    if ('description' in signal) {
      if (this.#negotiation.isOutdated(signal.description)) return
      const session = sdpSession(signal.description.sdp)
      const replaced = this.#remoteSession !== undefined && session !== this.#remoteSession
      // The other end's connection is a new one, which ours cannot be joined to.
      if (replaced) this.#beginAnew()
      // An answer of that new one was meant for our old one.
      if (replaced && this.leads) return
      this.#remoteSession = session
    }
    const negotiation = this.#negotiation
    negotiation.receive(signal).catch((error) => {
      if (negotiation === this.#negotiation && !this.#closed) this.#options.onError(error)
    })
  }

  /** Sends these tracks from now on; null sends nothing. Needs no new negotiation. */
  setTracks(tracks: LocalTracks): void {
    this.#tracks = tracks
    this.#attachTracks()
  }

  setSendLimit(limit: SendLimit): void {
    this.#sendLimit = limit
    this.#applySendLimit()
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
      this.#tryAgain()
    }
  }

  /** Starts over after `failed`. */
  retry(): void {
    if (this.#closed || this.#state !== 'failed') return
    this.#attempt = 0
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

  async stats(): Promise<RTCStatsReport> {
    const report = await this.#connection.getStats()
    const { screen, screenAudio } = this.tracks
    if (!screen) return report
    // What is read tells of the person: of voice and camera, not of what is shared.
    const shared: unknown[] = [screen.id, screenAudio?.id]
    const rows = rowsOf(report).filter(
      ([, row]) => !shared.includes((row as { trackIdentifier?: string }).trackIdentifier),
    )
    return new Map(rows) as unknown as RTCStatsReport
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
    const heartbeat = new Heartbeat({
      clock,
      send: (beat) => {
        if (channel.readyState === 'open') channel.send(beat)
      },
      onSilent: () => current() && this.#lost(),
      onHeard: () => current() && this.#found(),
    })
    channel.onopen = () => {
      if (!current()) return
      heartbeat.start()
      this.#found()
    }
    // Closed by the other end: it left, or its page is gone.
    channel.onclose = () => current() && this.#lost()
    channel.onmessage = (event) => {
      heartbeat.receive(String(event.data))
      if (current()) this.#accord.receive(String(event.data))
    }
    this.#say = (word) => {
      if (channel.readyState === 'open') channel.send(word)
    }
    connection.onnegotiationneeded = () => {
      // The first offer is the leader's, or the two ends' transceivers would not pair up.
      if (!this.leads && this.#remoteSession === undefined) return
      negotiation.offer().catch((error) => current() && onError(error))
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
    const screen = new ScreenSender(connection)
    connection.ontrack = ({ track, transceiver }) => {
      if (!current()) return
      const kind = this.#kindOf(transceiver)
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
    return { connection, negotiation, heartbeat, screen }
  }

  #beginAnew(): void {
    this.#replaceConnection()
    this.#setState('connecting')
    this.#lead()
  }

  /** The leading end makes the offer; the other waits for it. Neither waits for ever. */
  #lead(): void {
    if (this.leads) {
      const { audio, video } = this.#tracks
      const init = { direction: 'sendrecv', streams: this.#streams() } as const
      this.#connection.addTransceiver(audio ?? 'audio', init)
      const camera = this.#connection.addTransceiver(video ?? 'video', init)
      const codecs = this.#options.videoCodecs?.()
      if (codecs) camera.setCodecPreferences?.(codecs)
      this.#screen.send(this.#tracks).catch(this.#options.onError)
      this.#applySendLimit()
    }
    this.#awaitConnection()
  }

  #awaitConnection(): void {
    this.#cancelTry()
    this.#cancelTry = this.#options.clock.after(connectDeadlineMs, () => this.#lost())
  }

  #replaceConnection(): void {
    this.#dismantle()
    this.#remoteSession = undefined
    const parts = this.#build()
    this.#connection = parts.connection
    this.#negotiation = parts.negotiation
    this.#heartbeat = parts.heartbeat
    this.#screen = parts.screen
  }

  #dismantle(): void {
    this.#heartbeat.stop()
    this.#negotiation.close()
    this.#connection.close()
  }

  #attachTracks(): void {
    if (this.#closed) return
    for (const transceiver of this.#ofDevices()) {
      const { sender, receiver, direction } = transceiver
      const track = receiver.track.kind === 'audio' ? this.#tracks.audio : this.#tracks.video
      // What an offer brought is receive-only until we say that we send, too.
      if (direction !== 'sendrecv') {
        transceiver.direction = 'sendrecv'
        sender.setStreams?.(...this.#streams())
      }
      if (sender.track !== track) sender.replaceTrack(track).catch(this.#options.onError)
    }
    this.#screen.send(this.#tracks).catch(this.#options.onError)
    this.#applySendLimit()
  }

  /** The one transceiver of the microphones and the one of the cameras: the first of each kind. */
  #ofDevices(): RTCRtpTransceiver[] {
    const all = this.#connection.getTransceivers().filter((one) => !this.#screen.owns(one))
    const first = (kind: string) => all.find(({ receiver }) => receiver.track.kind === kind)
    return [first('audio'), first('video')].filter((one) => one !== undefined)
  }

  #kindOf(transceiver: RTCRtpTransceiver): TrackKind {
    const kind = transceiver.receiver.track.kind as 'audio' | 'video'
    if (this.#ofDevices().includes(transceiver)) return kind
    return kind === 'audio' ? 'screenAudio' : 'screen'
  }

  #streams(): MediaStream[] {
    return this.#options.stream ? [this.#options.stream] : []
  }

  #applySendLimit(): void {
    const limit = this.#sendLimit
    if (!limit) return
    this.#screen.limit(limit.maxBitrate)
    for (const { sender, receiver } of this.#ofDevices()) {
      const kind = receiver.track.kind as 'audio' | 'video'
      const parameters = sender.getParameters()
      const encoding = parameters.encodings[0]
      if (!encoding || !applyEncoding(encoding, encodingFor(kind, limit))) continue
      // Refused while a negotiation is under way; the next one applies it again.
      sender.setParameters(parameters).catch(() => {})
    }
  }

  // -- keeping it ------------------------------------------------------------------------------

  #found(): void {
    if (this.#connection.connectionState !== 'connected') return
    this.#cancelTry()
    this.#waitingForSignaling = false
    this.#attempt = 0
    this.#heartbeat.renew()
    this.#setState('connected')
    this.#applySendLimit()
  }

  #lost(): void {
    if (this.#closed || this.#state === 'reconnecting' || this.#state === 'failed') return
    this.#attempt = 0
    this.#recover()
  }

  #recover(): void {
    const delayMs = this.#options.policy.delayMs(this.#attempt)
    this.#cancelTry()
    this.#setState(delayMs === undefined ? 'failed' : 'reconnecting')
    if (delayMs === undefined) return
    if (delayMs === 0) this.#tryAgain()
    else this.#cancelTry = this.#options.clock.after(delayMs, () => this.#tryAgain())
  }

  #tryAgain(): void {
    if (this.#closed) return
    if (!this.#options.signalingUp()) {
      this.#waitingForSignaling = true
      return
    }
    const rebuild = this.leads && this.#attempt >= rebuildFromAttempt
    this.#attempt++
    if (rebuild) {
      this.#replaceConnection()
      this.#lead()
    } else {
      this.#connection.restartIce()
      this.#offerAgain()
    }
    this.#recover()
  }

  /** An offer that was lost on the way is never answered, and until it is, no other one is due. */
  #offerAgain(): void {
    if (this.#connection.signalingState === 'have-local-offer')
      this.#negotiation.offer().catch(this.#options.onError)
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState(state)
  }
}

/** What one end may send to another, so that the sum fits its uplink. */
export type SendLimit = {
  maxBitrate: number
  scaleResolutionDownBy: number
  maxFramerate?: number
}

function candidateMessage(candidate: RTCIceCandidate): RTCIceCandidateInit & { candidate: string } {
  const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate
  return { candidate: line, sdpMid, sdpMLineIndex, usernameFragment }
}
