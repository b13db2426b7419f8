import { describe, expect, it } from '@jest/globals'
import type { RemoteParticipant } from './callState.ts'
import { relayNotice } from './relayNotice.ts'

const person = (name: string, patch: Partial<RemoteParticipant>) =>
  ({ name, link: 'connected', usingRelay: false, ...patch }) as RemoteParticipant
const relayed = { usingRelay: true, localCandidateType: 'relay' as const }
const theirs = { usingRelay: true, localCandidateType: 'host' as const }

describe('relayNotice', () => {
  it('REQ-M6: is silent while nobody is reached through a relay', () => {
    expect(relayNotice({ participants: [], relayForced: true })).toBeUndefined()
    expect(
      relayNotice({
        participants: [person('Ana', {}), person('Minh', { ...relayed, link: 'reconnecting' })],
        relayForced: false,
      }),
    ).toBeUndefined()
  })

  it('REQ-M6: says whose network needs the relay, or that the link asks for it', () => {
    const mixed = [person('Ana', theirs), person('Minh', relayed)]
    expect(relayNotice({ participants: mixed, relayForced: true })).toEqual({ kind: 'forced' })
    expect(relayNotice({ participants: mixed, relayForced: false })).toEqual({ kind: 'own' })
    expect(relayNotice({ participants: [person('Ana', theirs)], relayForced: false })).toEqual({
      kind: 'others',
      names: ['Ana'],
    })
  })
})
