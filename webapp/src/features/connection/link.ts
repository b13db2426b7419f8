import type { Signal } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { ReconnectPolicy } from './ReconnectPolicy.ts'

/** `failed`: given up; `retry` starts over. */
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

/** What one end may send to another, so that the sum fits its uplink. */
export type SendLimit = {
  maxBitrate: number
  scaleResolutionDownBy: number
  maxFramerate?: number
}
