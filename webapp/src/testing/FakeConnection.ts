import type { LinkConnection } from '../features/connection/PeerLink.ts'

/** What a fake description says, in the place of the SDP's media sections. */
type Session = { id: string; change: number; restarts: number; answers?: string }
type Agreed = { offer: string; answer: string }

let serial = 0

/**
 * An RTCPeerConnection as far as agreeing on sessions goes: signaling states, the operations chain,
 * implicit rollback and the negotiation-needed flag of WebRTC 1.0 (§4.4.1.2, §4.7.3). Its "SDP"
 * names the offer that an answer is for, so that a test can tell whether both ends agreed.
 */
export class FakeConnection implements LinkConnection {
  readonly session = String(1000 + ++serial)
  readonly channels: FakeChannel[] = []
  signalingState: RTCSignalingState = 'stable'
  connectionState: RTCPeerConnectionState = 'new'
  iceConnectionState: RTCIceConnectionState = 'new'
  localDescription: RTCSessionDescription | null = null
  configuration: RTCConfiguration
  onnegotiationneeded: LinkConnection['onnegotiationneeded'] = null
  onicecandidate: LinkConnection['onicecandidate'] = null
  onicecandidateerror: LinkConnection['onicecandidateerror'] = null
  ontrack: LinkConnection['ontrack'] = null
  onconnectionstatechange: LinkConnection['onconnectionstatechange'] = null
  oniceconnectionstatechange: LinkConnection['oniceconnectionstatechange'] = null
  /** The session that both ends agreed on last, as this end knows it. */
  agreed: Agreed | undefined
  /** The one before it, whose path goes on until the next one's is found. */
  agreedBefore: Agreed | undefined
  /** An answer was taken for an offer that it does not answer. */
  mismatched = false
  closed = false
  restarts = 0
  onAgreed = () => {}
  /** The one transceiver of the cameras, as far as this end sends over it. */
  readonly camera = {
    direction: 'sendrecv',
    receiver: { track: { kind: 'video' } },
    sender: new FakeSender(),
  }

  readonly #step: () => Promise<unknown>
  #chain: Promise<unknown> = Promise.resolve()
  #operations = 0
  #change = 0
  #agreedChange = 0
  #agreedRestarts = 0
  #flagged = false
  #localOffer: Session | undefined
  #remoteOffer: Session | undefined

  /** @param step what each operation waits for: lets a test order those of two connections. */
  constructor(
    configuration: RTCConfiguration = {},
    step: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    this.configuration = configuration
    this.#step = step
  }

  /** Something that only a new offer of this end can bring about. */
  change(): void {
    this.#change++
    this.#checkNeeded()
  }

  /** Whether every {@link change} is part of an agreed session. */
  get settled(): boolean {
    return this.#agreedChange === this.#change && this.#agreedRestarts === this.restarts
  }

  restartIce(): void {
    this.restarts++
    this.#checkNeeded()
  }

  addTransceiver(of?: MediaStreamTrack | string): RTCRtpTransceiver {
    this.change()
    if (typeof of === 'object' && of.kind === 'video') this.camera.sender.track = of
    return {} as RTCRtpTransceiver
  }

  getTransceivers(): RTCRtpTransceiver[] {
    return [this.camera as unknown as RTCRtpTransceiver]
  }

  createDataChannel(label: string): RTCDataChannel {
    const channel = new FakeChannel(label)
    this.channels.push(channel)
    // Needs no offer of its own here: the transceivers' carries it, or the other end's does.
    return channel as unknown as RTCDataChannel
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration
  }

  async getStats(): Promise<RTCStatsReport> {
    return new Map() as unknown as RTCStatsReport
  }

  setLocalDescription(): Promise<void> {
    return this.#operate(() => {
      const id = `${this.session}-${++serial}`
      if (this.signalingState === 'have-remote-offer') {
        const offer = this.#remoteOffer as Session
        // The same offer again is of the same path, and so is its answer.
        const answer = this.agreed?.offer === offer.id ? this.agreed.answer : id
        const { restarts } = this
        this.#describe('answer', { id: answer, change: this.#change, restarts, answers: offer.id })
        // Every offer is of a new path here, and so this end's answer is, too.
        this.#agreedRestarts = restarts
        this.#agree({ offer: offer.id, answer })
      } else {
        this.#localOffer = { id, change: this.#change, restarts: this.restarts }
        this.signalingState = 'have-local-offer'
        this.#describe('offer', this.#localOffer)
      }
    })
  }

  setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    return this.#operate(() => {
      const said = read(description)
      if (description.type === 'offer') {
        this.#localOffer = undefined // rolled back where there was one
        this.#remoteOffer = said
        this.signalingState = 'have-remote-offer'
        return
      }
      if (this.signalingState !== 'have-local-offer' || !this.#localOffer)
        throw new Error(`InvalidStateError: an answer in ${this.signalingState}`)
      if (said.answers !== this.#localOffer.id) this.mismatched = true
      this.#agreedChange = this.#localOffer.change
      this.#agreedRestarts = this.#localOffer.restarts
      this.#agree({ offer: this.#localOffer.id, answer: said.id })
    })
  }

  addIceCandidate(): Promise<void> {
    return this.#operate(() => {})
  }

  close(): void {
    this.closed = true
    this.connectionState = 'closed'
    for (const channel of this.channels) channel.readyState = 'closed'
  }

  /** What ICE and DTLS came to. */
  become(state: RTCPeerConnectionState): void {
    if (this.closed || this.connectionState === state) return
    this.connectionState = state
    this.onconnectionstatechange?.(undefined as never)
  }

  #agree(agreed: Agreed): void {
    if (this.agreed?.offer !== agreed.offer) this.agreedBefore = this.agreed
    this.agreed = agreed
    this.#localOffer = undefined
    this.#remoteOffer = undefined
    this.signalingState = 'stable'
    this.#flagged = false
    this.onAgreed()
  }

  #describe(type: 'offer' | 'answer', said: Session): void {
    const sdp = `v=0\r\no=- ${this.session} ${++serial} IN IP4 0.0.0.0\r\na=${JSON.stringify(said)}\r\n`
    this.localDescription = { type, sdp } as RTCSessionDescription
  }

  #operate(run: () => void): Promise<void> {
    this.#operations++
    const operation = this.#chain.then(async () => {
      await this.#step()
      if (!this.closed) run()
    })
    this.#chain = operation
      .catch(() => {})
      .then(() => {
        this.#operations--
        this.#checkNeeded()
      })
    return operation
  }

  #checkNeeded(): void {
    queueMicrotask(() => {
      if (this.closed || this.#operations > 0 || this.signalingState !== 'stable') return
      if (this.#flagged || this.settled) return
      this.#flagged = true
      this.onnegotiationneeded?.(undefined as never)
    })
  }
}

class FakeSender {
  track: MediaStreamTrack | null = null

  /** As in browsers: until it is done, the sender names the one before. */
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.track = track
  }

  getParameters() {
    return { encodings: [{}] }
  }

  async setParameters(): Promise<void> {}
}

/** A data channel that a test opens, and whose messages it carries. */
export class FakeChannel {
  readonly label: string
  readyState: RTCDataChannelState = 'connecting'
  onopen: (() => void) | null = null
  onclose: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  deliver: (data: string) => void = () => {}

  constructor(label: string) {
    this.label = label
  }

  send(data: string): void {
    this.deliver(data)
  }
}

function read({ sdp }: RTCSessionDescriptionInit): Session {
  return JSON.parse(/^a=(\{.*)$/m.exec(sdp ?? '')?.[1] ?? '{}') as Session
}
