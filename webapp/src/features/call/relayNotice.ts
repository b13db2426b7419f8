import type { CallState } from './callState.ts'

/** Why media goes through a relay, as far as this end can tell. */
export type RelayNotice = { kind: 'forced' } | { kind: 'own' } | { kind: 'others'; names: string[] }

/**
 * What to tell of relays, undefined where none is in use.
 *
 * A local relay candidate in the selected pair means that nothing more direct of ours got through;
 * where only the remote one is a relay, it is the other's network that needs it.
 */
export function relayNotice(
  call: Pick<CallState, 'participants' | 'relayForced'>,
): RelayNotice | undefined {
  const relayed = call.participants.filter((p) => p.usingRelay && p.link === 'connected')
  if (relayed.length === 0) return undefined
  if (call.relayForced) return { kind: 'forced' }
  if (relayed.some((p) => p.localCandidateType === 'relay')) return { kind: 'own' }
  return { kind: 'others', names: relayed.map((p) => p.name) }
}
