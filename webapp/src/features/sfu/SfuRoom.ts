import type { LocalTracks, TrackKind } from '../connection/PeerLink.ts'

/** `reconnecting`: it tries by itself. `closed`: it is over, and a new one has to be made. */
export type SfuRoomState = 'connected' | 'reconnecting' | 'closed'

export type SfuRoomEvents = {
  onState(state: SfuRoomState): void
  /** The way to the SFU is tried by itself; true: the SFU has answered, and what is left is the connection. */
  onTry(answered: boolean): void
  /** A participant came into the room of the SFU, or went. */
  onPresence(id: string, present: boolean): void
  /** A track of another one begins to be received, or ends (null). */
  onTrack(id: string, kind: TrackKind, track: MediaStreamTrack | null): void
}

/** One connection to the SFU, as much of it as a call needs: what a test has to imitate. */
export type SfuRoom = {
  /** One that the SFU takes: it renews what it was given while it lasts. */
  readonly token: string
  readonly connectionState: RTCPeerConnectionState
  readonly iceConnectionState: RTCIceConnectionState
  setTracks(tracks: LocalTracks): void
  /** @param level of the camera, 0 is the best */
  setQuality(level: number): void
  /** Of pictures, sends nothing while the way carries nothing, and then begins with whole ones. */
  hold(held: boolean): void
  /** Of that one's camera the smallest picture is enough, or no longer: an SFU begins again with what there is of it. */
  askForSmall(id: string, small: boolean): void
  /** The next pictures are whole ones: somebody may have missed what those after them build upon. */
  beginWithWholePictures(): void
  /** Tries the way to the SFU anew, now: `resume` keeps the session, `restart` begins another one. */
  recover(how: 'resume' | 'restart'): void
  /** getStats() of the whole connection. */
  stats(): Promise<RTCStatsReport>
  /**
   * When media of each participant was last played out; it rises as long as media flows. Not named is
   * of whom none is due: nothing is sent, or this page is hidden.
   */
  lastPlayed(): ReadonlyMap<string, number>
  /** Whether pictures of that one's camera are due here. Of a screen that stands still few come. */
  cameraIsDue(id: string): boolean
  hasPlayedAudio(id: string): boolean
  close(): void
}

/**
 * Rejects when the SFU cannot be reached or refuses.
 *
 * @param configuration is read again at each reconnection: credentials that were changed in it are
 * used then
 * @param given up when aborted: nothing comes to the SFU any more. An end of the same person that came late would take the place
 * of the next one
 */
export type OpenSfuRoom = (
  token: string,
  configuration: RTCConfiguration,
  events: SfuRoomEvents,
  given: AbortSignal,
) => Promise<SfuRoom>
