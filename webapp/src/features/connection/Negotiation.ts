import type { Signal } from '@parley/protocol'
import { answers, answerTo } from './sdp.ts'

/** As much of an RTCPeerConnection as agreeing on a session takes. */
export type NegotiatingConnection = Pick<
  RTCPeerConnection,
  | 'signalingState'
  | 'localDescription'
  | 'setLocalDescription'
  | 'setRemoteDescription'
  | 'addIceCandidate'
>

type Description = Extract<Signal, { description: unknown }>['description']
type Candidate = Extract<Signal, { candidate: unknown }>['candidate']

export type NegotiationOptions = {
  connection: NegotiatingConnection
  /** The polite end gives way when both offer at once. Exactly one of the two ends is polite. */
  polite: boolean
  send(signal: Signal): void
  /** Called between a remote offer and our answer: the moment to attach tracks to what it brought. */
  beforeAnswer?(): void
}

/**
 * Perfect negotiation: either end may offer at any moment, and both reach one agreed session.
 *
 * Wire {@link offer} to `negotiationneeded` and {@link receive} to what the other end sent.
 * Source: WebRTC 1.0, §10.7 "Perfect Negotiation Example", and MDN "Perfect negotiation".
 */
export class Negotiation {
  readonly #options: NegotiationOptions
  #makingOffer = false
  #ignoringOffer = false
  #settingRemoteAnswer = false
  #closed = false

  constructor(options: NegotiationOptions) {
    this.#options = options
  }

  /** Offers a session, or offers again where an earlier offer was never answered. */
  async offer(): Promise<void> {
    const { connection } = this.#options
    if (this.#closed) return
    this.#makingOffer = true
    try {
      await connection.setLocalDescription()
      this.#sendLocalDescription()
    } finally {
      this.#makingOffer = false
    }
  }

  /** @throws where the browser refuses a description or a candidate that was not to be ignored. */
  async receive(signal: Signal): Promise<void> {
    if (this.#closed) return
    if ('description' in signal) await this.#receiveDescription(signal.description)
    else await this.#receiveCandidate(signal.candidate)
  }

  /** Whether this is an answer to an offer that was since answered, rolled back or made anew. */
  isOutdated({ type, sdp }: Description): boolean {
    const { signalingState, localDescription } = this.#options.connection
    if (type !== 'answer') return false
    return signalingState !== 'have-local-offer' || !answers(sdp, localDescription?.sdp)
  }

  close(): void {
    this.#closed = true
  }

  async #receiveDescription(description: Description): Promise<void> {
    const { connection, polite, beforeAnswer } = this.#options
    // An answer that is being set leaves the state unstable for a moment, yet ends in stable:
    // an offer that comes then has to be taken, or it would be lost.
    const readyForOffer =
      !this.#makingOffer && (connection.signalingState === 'stable' || this.#settingRemoteAnswer)
    const collision = description.type === 'offer' && !readyForOffer
    this.#ignoringOffer = !polite && collision
    if (this.#ignoringOffer) return

    if (this.isOutdated(description)) return

    this.#settingRemoteAnswer = description.type === 'answer'
    try {
      await connection.setRemoteDescription(description as RTCSessionDescriptionInit)
    } finally {
      this.#settingRemoteAnswer = false
    }
    if (description.type !== 'offer' || this.#closed) return
    beforeAnswer?.()
    await connection.setLocalDescription()
    this.#sendLocalDescription(description.sdp)
  }

  async #receiveCandidate(candidate: Candidate): Promise<void> {
    try {
      await this.#options.connection.addIceCandidate(
        (candidate as RTCIceCandidateInit | null) ?? undefined,
      )
    } catch (error) {
      // Candidates of an offer that we ignored belong to no session of ours.
      if (!this.#ignoringOffer && !this.#closed) throw error
    }
  }

  #sendLocalDescription(remoteOffer?: string): void {
    const local = this.#options.connection.localDescription
    if (!local || this.#closed) return
    const sdp = local.type === 'answer' ? answerTo(remoteOffer, local.sdp) : local.sdp
    this.#options.send({ description: { type: local.type, sdp } })
  }
}
