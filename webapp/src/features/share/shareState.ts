import type { MediaState } from '@parley/protocol'
import type { LocalTracks } from '../connection/PeerLink.ts'

/** `denied` by the person, who closed the browser's dialog; `failed` the capture did not start. */
export type ShareProblem = 'denied' | 'failed'

export type ShareState = {
  screen: MediaStreamTrack | null
  /** Null where the browser, or the person, shares no sound. */
  sound: MediaStreamTrack | null
  /** The browser's dialog is open. */
  choosing: boolean
  problem: ShareProblem | null
}

export const initialShare: ShareState = {
  screen: null,
  sound: null,
  choosing: false,
  problem: null,
}

export const shareTracks = ({ screen, sound }: ShareState) =>
  ({ screen, screenAudio: sound }) satisfies Partial<LocalTracks>

/** What of it the others are told. */
export const shareMedia = ({ screen }: ShareState): Pick<MediaState, 'screen'> =>
  screen ? { screen: true } : {}
