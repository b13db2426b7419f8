import { useAppState } from '../../ui/useAppState.ts'

/** @param id of a participant, or `self` */
export function useSpeaking(id: string): boolean {
  return useAppState((state) => state.voice.speaking.includes(id))
}
