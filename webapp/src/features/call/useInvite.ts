import { useAppState } from '../../ui/useAppState.ts'

/** The link for others: the room alone, without what this page's own link asks for. */
export function useInvite(): string {
  const room = useAppState((state) => state.call.room)
  return `${location.origin}/r/${room}`
}
