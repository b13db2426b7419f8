import { useAppState } from '../../ui/useAppState.ts'
import { secretOf, withSecret } from '../encryption/roomKey.ts'

/**
 * The link for others: the room, and the key of what is sent there, without what else this page's own link
 * asks for.
 */
export function useInvite(): string {
  const room = useAppState((state) => state.call.room)
  // Drawn anew with each new key.
  const keyed = useAppState((state) => state.encryption.mark) !== null
  const secret = keyed ? secretOf(location.hash) : null
  return `${location.origin}/r/${room}${secret === null ? '' : withSecret('', secret)}`
}
