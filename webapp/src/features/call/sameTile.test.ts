import { describe, expect, it } from '@jest/globals'
import type { RemoteParticipant } from './callState.ts'
import { sameInside, sameTile } from './sameTile.ts'

const participant: RemoteParticipant = {
  ...{ id: 'p-a', name: 'Ana', media: { audio: true, video: true }, joinedAt: 1 },
  ...{ link: 'connected', sfu: true, audio: null, video: null, screen: null, screenAudio: null },
  ...{ usingRelay: false, localCandidateType: 'host', remoteCandidateType: 'host' },
  ...{ quality: 'good', rttMs: 20, lossPercent: 0 },
}
const place = { left: '0px', top: '8px' }

describe('sameTile', () => {
  it('REQ-M2: what is read of a link draws its bars, and no tile', () => {
    const read = { quality: 'poor', rttMs: 500, lossPercent: 9 } as const
    const now = { participant: { ...participant, ...read }, place: { ...place } }
    expect(sameTile({ participant, place }, now)).toBe(true)
  })

  it('what a tile shows draws it, and so does where it is', () => {
    const changes: Partial<RemoteParticipant>[] = [
      { media: { audio: false, video: true } },
      { link: 'reconnecting' },
      { usingRelay: true },
      { video: {} as MediaStreamTrack },
      { name: 'Anna' },
    ]
    for (const change of changes)
      expect(
        sameTile({ participant, place }, { participant: { ...participant, ...change }, place }),
      ).toBe(false)
    expect(
      sameTile({ participant, place }, { participant, place: { ...place, left: '9px' } }),
    ).toBe(false)
  })

  it('REQ-K8: who has another place is not drawn anew, who shows something else is', () => {
    expect(sameInside({ participant }, { participant: { ...participant, rttMs: 30 } })).toBe(true)
    const muted = { ...participant, media: { audio: false, video: true } }
    expect(sameInside({ participant }, { participant: muted })).toBe(false)
  })
})
