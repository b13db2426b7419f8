import type { LocalTracks } from './link.ts'
import { limitSender, putTrack } from './sending.ts'

/** Less than this and text cannot be read; more, and a call on a phone's uplink starves. */
const maxBitrate = { lowest: 800_000, highest: 2_500_000 }

type Transceivers = Pick<RTCPeerConnection, 'addTransceiver'>

/**
 * Sends a shared screen and its sound over one peer connection, on transceivers of its own: they are
 * made by the end that shares, only for sending, when it first shares. So an end that has both a
 * camera and a screen to tell apart knows that the first of a kind is the camera (or microphone),
 * and each further one that the other end made is the screen.
 */
export class ScreenSender {
  readonly #connection: Transceivers
  #video: RTCRtpTransceiver | undefined
  #audio: RTCRtpTransceiver | undefined
  #limit = maxBitrate.highest

  constructor(connection: Transceivers) {
    this.#connection = connection
  }

  owns(transceiver: RTCRtpTransceiver): boolean {
    return transceiver === this.#video || transceiver === this.#audio
  }

  senders(): RTCRtpSender[] {
    return [this.#video, this.#audio].flatMap((one) => (one ? [one.sender] : []))
  }

  /** From now on sends these; only the first share needs a negotiation. Rejects as replaceTrack(). */
  async send({ screen, screenAudio }: LocalTracks): Promise<void> {
    const done = [this.#put('video', screen ?? null), this.#put('audio', screenAudio ?? null)]
    await Promise.all(done)
  }

  /** @param ofCamera what the camera may take, bit/s: of the same uplink, a screen may take twice that */
  limit(ofCamera: number): void {
    const limit = Math.min(maxBitrate.highest, Math.max(maxBitrate.lowest, 2 * ofCamera))
    if (limit === this.#limit) return
    this.#limit = limit
    if (this.#video) void limitSender(this.#video.sender, { maxBitrate: limit })
  }

  async #put(kind: 'video' | 'audio', track: MediaStreamTrack | null): Promise<void> {
    const before = kind === 'video' ? this.#video : this.#audio
    if (before) return putTrack(before.sender, track)
    if (!track) return
    const made = this.#connection.addTransceiver(track, {
      direction: 'sendonly',
      ...(kind === 'video' && { sendEncodings: [{ maxBitrate: this.#limit }] }),
    })
    if (kind === 'video') this.#video = made
    else this.#audio = made
  }
}
