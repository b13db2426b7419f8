import type { Role } from '@parley/protocol'
import { useAppState } from '../../ui/useAppState.ts'
import type { RemoteParticipant } from '../call/callState.ts'
import { mediaState } from '../media/localState.ts'
import type { Listed } from './peopleList.ts'

export type Person = Listed & {
  media: { audio: boolean; video: boolean }
  /** Undefined for oneself. */
  remote: RemoteParticipant | undefined
}

/** Everybody in the call, oneself included. */
export function usePeople(): Person[] {
  const { selfId, name, participants } = useAppState((state) => state.call)
  const { roles, hands } = useAppState((state) => state.company)
  const local = useAppState((state) => state.local)
  const roleOf = (id: string): Role => roles[id] ?? 'guest'
  return [
    {
      id: selfId,
      name,
      handAt: hands[selfId],
      role: roleOf(selfId),
      self: true,
      media: mediaState(local),
      remote: undefined,
    },
    ...participants.map((remote) => ({
      id: remote.id,
      name: remote.name,
      handAt: hands[remote.id],
      role: roleOf(remote.id),
      self: false,
      media: remote.media,
      remote,
    })),
  ]
}

export function useOwnRole(): Role {
  return useAppState(({ call, company }) => company.roles[call.selfId] ?? 'guest')
}
