import type { AppState } from '../../state.ts'
import { useAppState } from '../../ui/useAppState.ts'

/** Where sound comes out: the chosen device while it is there, else '' for the browser's default. */
export function speakerOf({ local, preferences }: Pick<AppState, 'local' | 'preferences'>): string {
  const { speaker } = preferences
  const there = local.devices.some(
    ({ kind, deviceId }) => kind === 'speaker' && deviceId === speaker,
  )
  return there && speaker ? speaker : ''
}

export function useSpeaker(): string {
  return useAppState(speakerOf)
}

/** Browsers without it (Safari on phones) play where the system says. */
export const canChooseSpeaker =
  typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype
