import { Heartbeat } from './Heartbeat.ts'
import type { LinkConnection, PeerLinkOptions } from './link.ts'
import { readLinkStats, rowsOf } from './linkStats.ts'
import { Negotiation } from './Negotiation.ts'
import { RelayWord } from './RelayWord.ts'
import { TrackSender } from './TrackSender.ts'

export type PeerTransportOptions = Pick<
  PeerLinkOptions,
  | 'clock'
  | 'stream'
  | 'videoCodecs'
  | 'createConnection'
  | 'send'
  | 'onConnectionState'
  | 'onTrack'
  | 'onError'
> & {
  configuration: RTCConfiguration
  /** Of the two ends of perfect negotiation. */
  polite: boolean
  /** The moment to attach tracks to what a remote offer brought. */
  beforeAnswer(): void
  /** Whether this end may offer what it finds due. */
  mayOffer(): boolean
  /** It has. */
  onOffered(): void
  onIceError(event: RTCPeerConnectionIceErrorEvent): void
  /** The path may carry. */
  onFound(): void
  /** The path carries nothing, or the other end has closed it. */
  onLost(): void
  /** What the other end said over it. */
  onWord(word: string): void
}

/** One peer connection, with what goes on over it: agreeing on a session, tracks, and beats and words. */
export class PeerTransport {
  readonly connection: LinkConnection
  readonly negotiation: Negotiation
  readonly heartbeat: Heartbeat
  readonly sender: TrackSender
  readonly #options: PeerTransportOptions
  readonly #channel: RTCDataChannel
  readonly #relayWord: RelayWord
  /** An offer is being made, which has what is due by now. */
  #offering = false
  /** Nothing that comes of it then is of interest. */
  #closed = false

  constructor(options: PeerTransportOptions) {
    this.#options = options
    const connection = options.createConnection(options.configuration)
    this.connection = connection
    this.sender = new TrackSender(connection, options)
    this.negotiation = new Negotiation({ ...options, connection })
    this.#channel = connection.createDataChannel('heartbeat', {
      negotiated: true,
      id: 0,
      ordered: false,
      maxRetransmits: 0,
    })
    const say = (word: string) => this.say(word)
    this.#relayWord = new RelayWord(say)
    this.heartbeat = new Heartbeat({
      clock: options.clock,
      send: say,
      onSilent: this.#current(() => options.onLost()),
      onHeard: this.#current(() => options.onFound()),
      onStill: this.#current((still) => this.sender.hold(still)),
      // Bytes, as Firefox counts no packets of a path.
      arrived: async () =>
        readLinkStats(rowsOf(await connection.getStats())).transport.bytesReceived,
    })
    this.#followChannel()
    this.#followConnection()
  }

  /** Now: the browser says that an offer is due after it has drawn what there is to draw. */
  offer(): void {
    const { onOffered, onError } = this.#options
    this.#offering = true
    this.negotiation
      .offer()
      .finally(() => {
        this.#offering = false
      })
      .then(this.#current(onOffered))
      .catch(this.#current(onError))
  }

  /** Over the channel, which is unreliable. */
  say(word: string): void {
    if (this.#channel.readyState === 'open') this.#channel.send(word)
  }

  /** As the browser has them, but for what only the other end knows. */
  async rows(): Promise<[string, unknown][]> {
    return this.#relayWord.read(rowsOf(await this.connection.getStats()))
  }

  close(): void {
    this.#closed = true
    this.heartbeat.stop()
    this.negotiation.close()
    this.connection.close()
  }

  #current<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (!this.#closed) run(...args)
    }
  }

  #followChannel(): void {
    const { onError, onFound, onLost, onWord } = this.#options
    const channel = this.#channel
    channel.onopen = this.#current(() => {
      this.heartbeat.start()
      // So that the other end knows as soon as it can which way this end takes.
      this.rows().catch(this.#current(onError))
      onFound()
    })
    // Closed by the other end: it left, or its page is gone.
    channel.onclose = this.#current(() => onLost())
    channel.onmessage = this.#current(({ data }: { data: unknown }) => {
      const word = String(data)
      this.heartbeat.receive(word)
      this.#relayWord.receive(word)
      onWord(word)
    })
  }

  #followConnection(): void {
    const { connection, sender } = this
    const { send, mayOffer, onIceError, onTrack } = this.#options
    const { onConnectionState, onFound, onLost } = this.#options
    connection.onnegotiationneeded = () => {
      if (mayOffer() && !this.#offering) this.offer()
    }
    connection.onicecandidate = this.#current(({ candidate }: RTCPeerConnectionIceEvent) =>
      send({ candidate: candidate ? candidateMessage(candidate) : null }),
    )
    connection.onicecandidateerror = this.#current(onIceError)
    connection.ontrack = this.#current(({ track, transceiver }: RTCTrackEvent) =>
      onTrack(sender.kindOf(transceiver), track),
    )
    connection.onconnectionstatechange = this.#current(() => {
      onConnectionState()
      const state = connection.connectionState
      if (state === 'connected') onFound()
      else if (state === 'disconnected' || state === 'failed') onLost()
    })
    connection.oniceconnectionstatechange = this.#current(() => onConnectionState())
  }
}

function candidateMessage(candidate: RTCIceCandidate): RTCIceCandidateInit & { candidate: string } {
  const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate
  return { candidate: line, sdpMid, sdpMLineIndex, usernameFragment }
}
