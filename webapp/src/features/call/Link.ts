import type { LocalTracks, PeerLink, PeerLinkOptions } from '../connection/PeerLink.ts'

/** The way to one other participant, direct or over the SFU. */
export type Link = Pick<
  PeerLink,
  | 'state'
  | 'connectionState'
  | 'iceConnectionState'
  | 'receive'
  | 'setTracks'
  | 'setSendLimit'
  | 'setIceServers'
  | 'signalingRestored'
  | 'retry'
  | 'peerReturned'
  | 'finish'
  | 'confirm'
  | 'stats'
  | 'hasPlayedAudio'
  | 'close'
> & {
  /** One connection to the SFU is behind all links: what it counts is not this link's alone. */
  readonly sfu?: boolean
  /** What is received. */
  readonly tracks: LocalTracks
  readonly iceErrors?: PeerLink['iceErrors']
}

/** What a link is told by the call; the rest is the same for every link of a page. */
export type LinkRequest = Pick<
  PeerLinkOptions,
  | 'selfId'
  | 'peerId'
  | 'configuration'
  | 'tracks'
  | 'send'
  | 'signalingUp'
  | 'onState'
  | 'onConnectionState'
  | 'onTrack'
>
