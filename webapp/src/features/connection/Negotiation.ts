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
 * Wire {@link offer} to `negotiationneeded` and {@link receive} to what the other end sent. One thing is done after the
 * other: an offer that came while an earlier one was still being answered, as where a busy page is asked again, would
 * take the place of that one, and the answer be given for the wrong one.
 *
 * Source: WebRTC 1.0, §10.7 "Perfect Negotiation Example", and MDN "Perfect negotiation".
 */
export class Negotiation {
  readonly #options: NegotiationOptions
  #ignoringOffer = false
  #closed = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: NegotiationOptions) {
    this.#options = options
  }

  /** Offers a session, or offers anew where an earlier offer was never answered. */
  offer(): Promise<void> {
    return this.#inTurn(async () => {
      const { connection } = this.#options
      await connection.setLocalDescription()
      this.#sendLocalDescription()
    })
  }

  /** Says an offer again that has no answer: whichever of the answers comes first is the one. */
  repeat(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#options.connection.signalingState === 'have-local-offer')
        this.#sendLocalDescription()
    })
  }

  /** @throws where the browser refuses a description or a candidate that was not to be ignored. */
  receive(signal: Signal): Promise<void> {
    return this.#inTurn(() =>
      'description' in signal
        ? this.#receiveDescription(signal.description)
        : this.#receiveCandidate(signal.candidate),
    )
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

  #inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.#last.then(() => (this.#closed ? undefined : run()))
    this.#last = done.catch(() => {})
    return done
  }

  async #receiveDescription(description: Description): Promise<void> {
    const { connection, polite, beforeAnswer } = this.#options
    const collision = description.type === 'offer' && connection.signalingState !== 'stable'
    this.#ignoringOffer = !polite && collision
    if (this.#ignoringOffer || this.isOutdated(description)) return

    await connection.setRemoteDescription(description as RTCSessionDescriptionInit)
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
