import {
  ConnectionState,
  type LocalTrackPublication,
  LocalVideoTrack,
  type Participant,
  type RemoteParticipant,
  type RemoteTrackPublication,
  RemoteVideoTrack,
  Room,
  RoomEvent,
  Track,
  VideoQuality,
} from 'livekit-client'
import { systemClock } from '../../clock.ts'
import type { LocalTracks, TrackKind } from '../connection/PeerLink.ts'
import { encodingFor, limitSender } from '../connection/sending.ts'
import type { Encryption } from '../encryption/Encryption.ts'
import type { FrameKeys } from '../encryption/frameKeys.ts'
import type { RoomKey } from '../encryption/roomKey.ts'
import { noteLoud, noteReceiver, sourcesOf } from '../voice/receivers.ts'
import { askedDensity } from './askedDensity.ts'
import { askForPictures } from './askForPictures.ts'
import { HeldPictures } from './HeldPictures.ts'
import { LastPlayed, latest } from './LastPlayed.ts'
import type { OpenSfuRoom, SfuRoom, SfuRoomEvents } from './SfuRoom.ts'

type RoomEncryption = Pick<Encryption, 'key' | 'onKey'>

/** LiveKit behind the page's own origin: its client connects to `/rtc` there. */
export const openLiveKitRoom =
  (encryption: RoomEncryption): OpenSfuRoom =>
  async (token, configuration, events, given) => {
    const key = await encryption.key()
    const keys = await frameKeys(key)
    const room = new Room({
      ...(keys && { encryption: { keyProvider: keys, worker: keys.worker } }),
      adaptiveStream: viewport,
      dynacast: true,
      // The devices are the page's, which goes on showing itself in them.
      stopLocalTrackOnUnpublish: false,
      // The call says when it leaves; a page in the background has not left.
      disconnectOnPageLeave: false,
      reconnectPolicy: {
        nextRetryDelayInMs: ({ retryCount }) => retryDelaysMs[retryCount] ?? null,
      },
    })
    const live = new LiveKitRoom(room, token, events, keys)
    live.follow(encryption, key)
    given.addEventListener('abort', () => live.close(), { once: true })
    try {
      if (keys) await room.setE2EEEnabled(true)
      given.throwIfAborted()
      await room.connect(location.origin.replace(/^http/, 'ws'), token, {
        rtcConfig: configuration,
        websocketTimeout: 5000,
        maxRetries: 0,
      })
    } catch (error) {
      live.close()
      throw error
    }
    live.began()
    return live
  }

/** Where nobody has a key, neither its code nor its worker is loaded. */
async function frameKeys(key: RoomKey | undefined): Promise<FrameKeys | undefined> {
  if (!key) return undefined
  const keys = new (await import('../encryption/frameKeys.ts')).FrameKeys()
  await keys.add(key)
  return keys
}

const viewport = {
  get pixelDensity() {
    return askedDensity(devicePixelRatio)
  },
}

/** Then it is over, and the call makes a new room with a fresh token. */
const retryDelaysMs = [0, 200, 500, 1000, 1000, 2000, 2000, 3000]

/** So old an answer of a receiver still tells whether media flows: somebody asks of each voice more often. */
const sharedMs = 60

/** Until what could not be published is tried again. */
const republishMs = 1000

class LiveKitRoom implements SfuRoom {
  readonly #room: Room
  #token: string
  readonly #events: SfuRoomEvents
  /** One change of what is published after the other. */
  #publishing: Promise<void> = Promise.resolve()
  #wanted: LocalTracks = { audio: null, video: null }
  #quality = VideoQuality.HIGH
  #closed = false
  readonly #played = new LastPlayed()
  readonly #keys: FrameKeys | undefined
  #unfollow = () => {}
  readonly #pictures = new HeldPictures(() =>
    [Track.Source.Camera, Track.Source.ScreenShare].flatMap((source) => {
      const { track } = this.#room.localParticipant.getTrackPublication(source) ?? {}
      return track?.sender ? [{ sender: track.sender, track: track.mediaStreamTrack }] : []
    }),
  )

  constructor(room: Room, token: string, events: SfuRoomEvents, keys?: FrameKeys) {
    this.#room = room
    this.#token = token
    this.#events = events
    this.#keys = keys
    const received = (
      publication: { kind: Track.Kind; source: Track.Source },
      participant: Participant,
      track: MediaStreamTrack | null,
    ) => {
      const kind = kindOf(publication)
      if (kind) events.onTrack(participant.identity, kind, track)
    }
    room.engine
      .on('resuming', () => events.onTry(false))
      .on('restarting', () => events.onTry(false))
      .on('signalConnected', () => events.onTry(true))
      .on('signalResumed', () => events.onTry(true))
      .on('signalRestarted', () => events.onTry(true))
      .on('tokenRefreshed', (renewed) => {
        this.#token = renewed
      })
    room
      .on(RoomEvent.ParticipantConnected, ({ identity }) => events.onPresence(identity, true))
      .on(RoomEvent.ParticipantDisconnected, ({ identity }) => events.onPresence(identity, false))
      .on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
        // Without a key its sound would be noise.
        if (publication.isEncrypted && !keys) return publication.setSubscribed(false)
        if (track instanceof RemoteVideoTrack) askForPictures(track)
        if (track.receiver) noteReceiver(track.mediaStreamTrack, track.receiver)
        received(publication, participant, track.mediaStreamTrack)
      })
      .on(RoomEvent.TrackUnsubscribed, (_track, publication, participant) =>
        received(publication, participant, null),
      )
      .on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
        const publications = speakers.flatMap((one) => [...one.audioTrackPublications.values()])
        noteLoud(publications.flatMap(({ track }) => (track ? [track.mediaStreamTrack] : [])))
      })
      .on(RoomEvent.LocalTrackPublished, ({ kind, track }) => {
        // LiveKit's client gives a voice its priority on the way, and pictures none.
        const { networkPriority } = encodingFor('video')
        if (kind === Track.Kind.Video && track?.sender && networkPriority)
          void limitSender(track.sender, { networkPriority })
      })
      .on(RoomEvent.SignalReconnecting, () => {})
      .on(RoomEvent.Reconnecting, () => events.onState('reconnecting'))
      .on(RoomEvent.Reconnected, () => {
        this.began()
        this.#publishSoon()
        events.onState('connected')
      })
      .on(RoomEvent.Disconnected, () => {
        if (!this.#closed) events.onState('closed')
      })
  }

  /** A further key is added to the ring; with the first one, or without any, the room is another one. */
  follow(encryption: RoomEncryption, begunWith: RoomKey | undefined): void {
    const changed = (key: RoomKey | undefined) => {
      if (key && this.#keys) void this.#keys.add(key)
      else this.#events.onState('closed')
    }
    this.#unfollow = encryption.onKey(changed)
    // It may have become another one while the code for it was loaded.
    void encryption.key().then((key) => {
      if (key !== begunWith && !this.#closed) changed(key)
    })
  }

  /** Tells of who is there already. */
  began(): void {
    for (const { identity } of this.#room.remoteParticipants.values())
      this.#events.onPresence(identity, true)
  }

  get token(): string {
    return this.#token
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#transport?.getConnectionState() ?? 'connecting'
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#transport?.getICEConnectionState() ?? 'checking'
  }

  setTracks(tracks: LocalTracks): void {
    this.#wanted = tracks
    this.#publishSoon()
  }

  /** What could not be published, as in the middle of a reconnection, is tried again: else nobody would see it. */
  #publishSoon(): void {
    this.#publishing = this.#publishing
      .then(() => this.#publish())
      .catch(() => void setTimeout(() => this.#publishSoon(), republishMs))
  }

  setQuality(level: number): void {
    this.#quality = [VideoQuality.HIGH, VideoQuality.MEDIUM][level] ?? VideoQuality.LOW
    this.#applyQuality()
  }

  #applyQuality(): void {
    const { track } = this.#room.localParticipant.getTrackPublication(Track.Source.Camera) ?? {}
    if (track instanceof LocalVideoTrack) track.setPublishingQuality(this.#quality)
  }

  hold(held: boolean): void {
    this.#pictures.hold(held)
  }

  askForSmall(id: string, small: boolean): void {
    const { HIGH, LOW } = VideoQuality
    this.#cameraOf(id)?.setVideoQuality(small ? LOW : HIGH)
  }

  beginWithWholePictures(): void {
    this.#pictures.beginWithWholePictures()
  }

  recover(how: 'resume' | 'restart'): void {
    // Named for tests, and all that the public API has to ask for it: closes the signal connection
    // on this side, upon which the client does what it does when that one is lost.
    const scenario = how === 'resume' ? 'signal-reconnect' : 'full-reconnect'
    this.#room.simulateScenario(scenario).catch(() => {})
  }

  async stats(): Promise<RTCStatsReport> {
    const transports = this.#transports
    const reports = await Promise.all(transports.map((transport) => transport.getStats()))
    const rows = new Map<string, unknown>()
    reports.forEach((report, index) => {
      report?.forEach((row, id) => {
        rows.set(index === 0 ? id : `${index}-${id}`, row)
      })
    })
    return rows as unknown as RTCStatsReport
  }

  lastPlayed(): ReadonlyMap<string, number> {
    return this.#played.read(this.#participants(), document.hidden)
  }

  *#participants() {
    for (const participant of this.#room.remoteParticipants.values()) {
      const { identity } = participant
      // A browser stops for each question. Where pictures are due, what was asked a moment ago will do: their silence
      // shows sooner than a voice's.
      const maxAgeMs = this.cameraIsDue(identity) ? sharedMs : 0
      yield {
        id: identity,
        voice: playedAt(participant, Track.Kind.Audio, maxAgeMs),
        picture: () => playedAt(participant, Track.Kind.Video),
        sent: [...participant.trackPublications.values()].some(isSent),
      }
    }
  }

  cameraIsDue(id: string): boolean {
    const camera = this.#cameraOf(id)
    return camera !== undefined && isSent(camera)
  }

  #cameraOf(id: string): RemoteTrackPublication | undefined {
    return this.#room.remoteParticipants.get(id)?.getTrackPublication(Track.Source.Camera)
  }

  hasPlayedAudio(id: string): boolean {
    const participant = this.#room.remoteParticipants.get(id)
    return [...(participant?.audioTrackPublications.values() ?? [])].some(
      ({ track }) => (track?.receiver?.getSynchronizationSources().length ?? 0) > 0,
    )
  }

  close(): void {
    this.#closed = true
    this.#unfollow()
    const ended = () => this.#keys?.worker.terminate()
    void this.#room.disconnect(false).then(ended, ended)
  }

  /** The one that receives comes first. Where there is only one, it is the publisher's. */
  get #transports() {
    const { subscriber, publisher } = this.#room.engine.pcManager ?? {}
    return [subscriber, publisher].filter((transport) => transport !== undefined)
  }

  get #transport() {
    return this.#transports[0]
  }

  async #publish(): Promise<void> {
    const { audio, video, screen = null, screenAudio = null } = this.#wanted
    const parts: [Track.Source, MediaStreamTrack | null][] = [
      [Track.Source.Microphone, audio],
      [Track.Source.Camera, video],
      [Track.Source.ScreenShare, screen],
      [Track.Source.ScreenShareAudio, screenAudio],
    ]
    // All at once, so that one offer and one answer are for all of them.
    const done = await Promise.allSettled(
      parts.map(([source, track]) => this.#publishOne(source, track)),
    )
    if (this.#quality !== VideoQuality.HIGH) this.#applyQuality()
    const failed = done.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  async #publishOne(source: Track.Source, wanted: MediaStreamTrack | null): Promise<void> {
    if (this.#closed || this.#room.state === ConnectionState.Disconnected) return
    const { localParticipant } = this.#room
    const publication: LocalTrackPublication | undefined =
      localParticipant.getTrackPublication(source)
    const track = publication?.track
    if (track?.mediaStreamTrack === (wanted ?? undefined)) return
    if (track && wanted) await track.replaceTrack(wanted, { userProvidedTrack: true })
    else if (track) await localParticipant.unpublishTrack(track, false)
    else if (wanted)
      await localParticipant.publishTrack(wanted, {
        source,
        // Text is read or it is not: a screen is sent in one resolution, its own.
        simulcast: source === Track.Source.Camera,
      })
  }
}

/** What a publication is to this page; a source that it knows nothing of goes by its kind. */
function kindOf({ kind, source }: { kind: Track.Kind; source: Track.Source }): TrackKind | null {
  if (source === Track.Source.ScreenShare) return 'screen'
  if (source === Track.Source.ScreenShareAudio) return 'screenAudio'
  return kind === Track.Kind.Audio || kind === Track.Kind.Video ? kind : null
}

function playedAt(
  participant: RemoteParticipant,
  of: Track.Kind,
  maxAgeMs = 0,
): number | undefined {
  const times = [...participant.trackPublications.values()].flatMap((publication) => {
    const { kind, track } = publication
    if (kind !== of || !isSent(publication)) return []
    const receiver = track?.receiver
    const sources = receiver ? sourcesOf(receiver, systemClock.now(), maxAgeMs) : []
    return sources.map(({ timestamp }) => timestamp)
  })
  return latest(...times)
}

/**
 * Whether anything is to come of it: it was sent, and nobody has said that it is not any more. Of a picture that this page does
 * not show nothing is, and an SFU that finds too little room for one says so.
 */
function isSent({ track, isMuted, isEnabled }: RemoteTrackPublication): boolean {
  return track?.streamState === Track.StreamState.Active && !isMuted && isEnabled
}
