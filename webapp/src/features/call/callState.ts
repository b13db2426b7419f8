import type { MediaState } from '@parley/protocol'
import type { ConnectionNote } from '../connection/ConnectionNotes.ts'
import type { LinkState } from '../connection/PeerLink.ts'
import type { QualityLabel } from '../connection/quality.ts'
import type { SignalingErrorCode } from '../connection/Signaling.ts'

export type RemoteParticipant = {
  id: string
  name: string
  media: MediaState
  joinedAt: number
  link: LinkState
  /** Media goes over the SFU. */
  sfu: boolean
  audio: MediaStreamTrack | null
  video: MediaStreamTrack | null
  /** What they share, while their media state says that they do. */
  screen: MediaStreamTrack | null
  screenAudio: MediaStreamTrack | null
  /** Undefined until a candidate pair is selected. */
  usingRelay: boolean | undefined
  localCandidateType: RTCIceCandidateType | undefined
  remoteCandidateType: RTCIceCandidateType | undefined
  quality: QualityLabel
  rttMs: number | undefined
  lossPercent: number | undefined
}

export type Notice = { id: number; kind: 'joined' | 'left'; name: string }

export type CallState = {
  /** `waiting`: before the door, until a host lets one in. */
  phase: 'idle' | 'joining' | 'waiting' | 'joined' | 'left' | 'failed'
  error: SignalingErrorCode | null
  room: string
  selfId: string
  name: string
  /** `lost`: the quick tries are used up, and the person is offered to reconnect (REQ-W1). */
  signaling: 'up' | 'reconnecting' | 'lost'
  /** In order of joining. */
  participants: readonly RemoteParticipant[]
  maxParticipants: number
  /** The link carries ?relay=1. */
  relayForced: boolean
  notices: readonly Notice[]
  /** What is to be known of the connection, until it passes or is hidden. */
  notes: readonly ConnectionNote[]
  timings: JoinTimings
}

/** Milliseconds from the click (or the automatic join); undefined until it happened. */
export type JoinTimings = {
  joined?: number
  firstAudio?: number
  firstFrame?: number
  /** Others were there when we joined: only then does first audio tell how fast joining is. */
  othersPresent?: boolean
}

export const initialCall: CallState = {
  phase: 'idle',
  error: null,
  room: '',
  selfId: '',
  name: '',
  signaling: 'up',
  participants: [],
  maxParticipants: 0,
  relayForced: false,
  notices: [],
  notes: [],
  timings: {},
}
