import { type Preferences, qualityLevels } from '../settings/preferences.ts'
import type { MediaKind } from './localState.ts'

/** `exact`: the chosen device or none; `ideal`: another one rather than none; `any`: not that one. */
export type Pick = 'exact' | 'ideal' | 'any'

/** What the browser is asked for: the devices and the processing that the person chose (REQ-P23). */
export function constraintsOf(
  kinds: readonly MediaKind[],
  preferences: Preferences,
  pick: Pick,
): MediaStreamConstraints {
  return {
    audio: kinds.includes('audio') && audioConstraints(preferences, pick),
    video: kinds.includes('video') && {
      ...pictureConstraints(preferences),
      ...device(preferences.camera, pick),
    },
  }
}

export function audioConstraints(preferences: Preferences, pick: Pick): MediaTrackConstraints {
  const { noiseSuppression, echoCancellation, autoGainControl, microphone } = preferences
  return { noiseSuppression, echoCancellation, autoGainControl, ...device(microphone, pick) }
}

/** Can be applied to a camera that runs. */
export function pictureConstraints({ quality }: Preferences): MediaTrackConstraints {
  const { width, height, fps } = qualityLevels[quality === 'auto' ? 'high' : quality]
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps, max: 30 } }
}

function device(deviceId: string | null, pick: Pick): MediaTrackConstraints {
  return deviceId === null || pick === 'any' ? {} : { deviceId: { [pick]: deviceId } }
}
