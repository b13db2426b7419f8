import { useAppState } from '../../ui/useAppState.ts'
import { type CallEncryption, callEncryption } from './encryptionState.ts'

export function useCallEncryption(): CallEncryption {
  const mark = useAppState((state) => state.encryption.mark)
  const participants = useAppState((state) => state.call.participants)
  return callEncryption(mark, participants)
}
