import type { MediaState } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import type { LocalTracks } from '../connection/PeerLink.ts'
import type { ReconnectPolicy } from '../connection/ReconnectPolicy.ts'
import type { OpenSignaling, RequestJoin } from '../connection/Signaling.ts'
import type { Readings } from '../metrics/statsRows.ts'
import type { CallState } from './callState.ts'
import type { Link, LinkRequest } from './Link.ts'
import type { RoomFollower } from './RoomFollower.ts'
import type { Sfu, SfuRequest } from './Sfu.ts'

export type CallSessionOptions = {
  call: Cell<CallState>
  clock: Clock
  /** Milliseconds since 1970, for the expiry of credentials. */
  epochMs(): number
  policy: ReconnectPolicy
  requestJoin: RequestJoin
  openSignaling: OpenSignaling
  createLink(request: LinkRequest): Link
  /** Gets the SFU's code, ahead of time where it is known to be needed. */
  prepareSfu(): void
  openSfu(request: SfuRequest): Sfu
  /** The tracks to send and the state to show, as they are now. */
  local(): { tracks: LocalTracks; media: MediaState }
  followers: readonly RoomFollower[]
  /** Something that was told could not be taken; the rest is. */
  onError(error: unknown): void
  /** Of the camera, over one direct link, as the person wants it; left out: as much as there is room for. */
  maxKbps?(): number
  /** All links were read, which they are every second. */
  onReadings?(readings: Readings): void
}

export type JoinOptions = {
  room: string
  name: string
  relayForced: boolean
  /** When the person asked for it, by the clock; default: now. */
  startedAt?: number
}
