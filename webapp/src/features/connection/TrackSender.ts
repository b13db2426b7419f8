import type { LinkConnection, LocalTracks, PeerLinkOptions, SendLimit, TrackKind } from './link.ts'
import { ScreenSender } from './ScreenSender.ts'
import { askForWholePicture, encodingFor, forgetSent, limitSender, putTrack } from './sending.ts'

type TrackSenderOptions = Pick<PeerLinkOptions, 'stream' | 'videoCodecs' | 'onError'>

/** What one end sends over one peer connection: microphone, camera, and a shared screen. */
export class TrackSender {
  readonly #connection: LinkConnection
  readonly #options: TrackSenderOptions
  readonly #screen: ScreenSender
  #tracks: LocalTracks = { audio: null, video: null }
  #held = false

  constructor(connection: LinkConnection, options: TrackSenderOptions) {
    this.#connection = connection
    this.#options = options
    this.#screen = new ScreenSender(connection)
  }

  /** Of the end that leads: makes the two transceivers that both ends use. */
  begin(tracks: LocalTracks): void {
    this.#tracks = tracks
    const { audio, video } = tracks
    const init = { direction: 'sendrecv', streams: this.#streams() } as const
    this.#connection.addTransceiver(audio ?? 'audio', init)
    const camera = this.#connection.addTransceiver(video ?? 'video', init)
    const codecs = this.#options.videoCodecs?.()
    if (codecs) camera.setCodecPreferences?.(codecs)
    this.#screen.send(tracks).catch(this.#options.onError)
  }

  /** From now on sends these. */
  send(tracks: LocalTracks): void {
    this.#tracks = tracks
    this.#send().catch(this.#options.onError)
  }

  /**
   * Of pictures, sends nothing while the path carries nothing, and then begins with a whole one. What was sent into a
   * cut would be sent again after it, and browsers play everything that follows as late as that for seconds: it is
   * forgotten. A voice goes on.
   */
  hold(held: boolean): void {
    if (this.#held === held) return
    this.#held = held
    this.#send()
      .then(() => this.#ofPictures(held ? forgetSent : askForWholePicture))
      .catch(this.#options.onError)
  }

  async #send(): Promise<void> {
    const tracks = this.#held ? { ...this.#tracks, video: null, screen: null } : this.#tracks
    const devices = this.#ofDevices().map(async (transceiver) => {
      const { sender, receiver, direction } = transceiver
      const track = receiver.track.kind === 'audio' ? tracks.audio : tracks.video
      // What an offer brought is receive-only until we say that we send, too.
      if (direction !== 'sendrecv') {
        transceiver.direction = 'sendrecv'
        sender.setStreams?.(...this.#streams())
      }
      await putTrack(sender, track)
    })
    await Promise.all([...devices, this.#screen.send(tracks)])
  }

  async #ofPictures(change: (sender: RTCRtpSender) => Promise<void>): Promise<void> {
    const camera = this.#ofDevices().filter(({ receiver }) => receiver.track.kind === 'video')
    const senders = [...camera.map(({ sender }) => sender), ...this.#screen.senders()]
    await Promise.all(senders.map(change))
  }

  limit(limit: SendLimit | undefined): void {
    if (!limit) return
    this.#screen.limit(limit.maxBitrate)
    for (const { sender, receiver } of this.#ofDevices()) {
      const kind = receiver.track.kind as 'audio' | 'video'
      void limitSender(sender, encodingFor(kind, limit))
    }
  }

  /** What the other end sends over it. */
  kindOf(transceiver: RTCRtpTransceiver): TrackKind {
    const kind = transceiver.receiver.track.kind as 'audio' | 'video'
    if (this.#ofDevices().includes(transceiver)) return kind
    return kind === 'audio' ? 'screenAudio' : 'screen'
  }

  /** The one transceiver of the microphones and the one of the cameras: the first of each kind. */
  #ofDevices(): RTCRtpTransceiver[] {
    const all = this.#connection.getTransceivers().filter((one) => !this.#screen.owns(one))
    const first = (kind: string) => all.find(({ receiver }) => receiver.track.kind === kind)
    return [first('audio'), first('video')].filter((one) => one !== undefined)
  }

  #streams(): MediaStream[] {
    return this.#options.stream ? [this.#options.stream] : []
  }
}
