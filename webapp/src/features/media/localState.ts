import type { MediaState } from '@parley/protocol'

export type MediaKind = 'audio' | 'video'

/**
 * Why there is no microphone or camera: `denied` by the person or a policy, `missing` no such
 * device, `busy` another program has it, `ended` it was unplugged, `unsupported` no secure page.
 */
export type MediaProblem = 'denied' | 'missing' | 'busy' | 'ended' | 'unsupported'

export type LocalDevice = {
  /** What the person wants. */
  on: boolean
  track: MediaStreamTrack | null
  problem: MediaProblem | null
  /** Chosen by the person; null for the browser's default. */
  deviceId: string | null
}

export type DeviceChoice = { kind: MediaKind; deviceId: string; label: string }

export type LocalState = Record<MediaKind, LocalDevice> & {
  /** The browser is asking, or the device starting. */
  opening: boolean
  devices: readonly DeviceChoice[]
}

const off: LocalDevice = { on: true, track: null, problem: null, deviceId: null }
export const initialLocal: LocalState = { audio: off, video: off, opening: false, devices: [] }

/** What others may hear and see: wanted, and there. */
export function mediaState(local: LocalState): MediaState {
  return {
    audio: local.audio.on && local.audio.track !== null,
    video: local.video.on && local.video.track !== null,
  }
}
