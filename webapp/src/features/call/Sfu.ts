import type { LocalTracks } from '../connection/PeerLink.ts'
import type { SfuSession } from '../sfu/SfuSession.ts'

/** One connection to the SFU, behind all links over it. */
export type Sfu = Pick<
  SfuSession,
  | 'link'
  | 'setTracks'
  | 'setQuality'
  | 'setIceServers'
  | 'retry'
  | 'beginAnew'
  | 'readTotals'
  | 'report'
  | 'totals'
  | 'close'
>

export type SfuRequest = {
  token: string
  refreshToken(): Promise<string>
  configuration: RTCConfiguration
  tracks: LocalTracks
  /** It has not been reached for a while; called again and again. */
  onUnreachable(): void
}
