import type { MediaState } from '@parley/protocol'

export type MediaKind = 'audio' | 'video'
/** What can be chosen: a microphone, a camera, or where sound comes out. */
export type DeviceKind = MediaKind | 'speaker'

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
}

export type DeviceChoice = { kind: DeviceKind; deviceId: string; label: string }

/** `gone`: unplugged, and another one is used; `refused`: what was chosen does not start. */
export type DeviceNotice = { id: number; what: 'gone' | 'refused'; kind: DeviceKind; now: string }

export type LocalState = Record<MediaKind, LocalDevice> & {
  /** The browser is asking, or the device starting. */
  opening: boolean
  devices: readonly DeviceChoice[]
  notice: DeviceNotice | null
}

const off: LocalDevice = { on: true, track: null, problem: null }
export const initialLocal: LocalState = {
  audio: off,
  video: off,
  opening: false,
  devices: [],
  notice: null,
}

/** What others may hear and see: wanted, and there. */
export function mediaState(local: LocalState): MediaState {
  return {
    audio: local.audio.on && local.audio.track !== null,
    video: local.video.on && local.video.track !== null,
  }
}
