import { describe, expect, it } from '@jest/globals'
import type { Participant } from '@parley/protocol'
import { FakeRoom, testCell } from '../../testing/FakeRoom.ts'
import { settle, TestClock } from '../../testing/TestClock.ts'
import { Company } from './Company.ts'
import { type CompanyState, initialCompany } from './companyState.ts'

const media = { audio: true, video: true }
const somebody = (id: string, more: Partial<Participant> = {}): Participant => ({
  id,
  name: id,
  media,
  joinedAt: 0,
  role: 'guest',
  ...more,
})

function begin() {
  const clock = new TestClock()
  const state = testCell<CompanyState>(initialCompany)
  const off: string[] = []
  const company = new Company({ company: state, clock, turnOff: (kind) => void off.push(kind) })
  const room = new FakeRoom(company)
  return { clock, state, company, room, off }
}

describe('Company', () => {
  it('knows roles and hands from the snapshot, and of whoever comes and goes', async () => {
    const { state, company, room } = begin()
    const participants = [somebody('p-self', { role: 'host' }), somebody('p-a', { handAt: 5 })]
    await room.enter({ participants, locked: true })
    expect(state.get()).toMatchObject({
      roles: { 'p-self': 'host', 'p-a': 'guest' },
      hands: { 'p-a': 5 },
      locked: true,
    })
    company.heard({ name: 'participant:joined', message: somebody('p-b', { handAt: 7 }) })
    company.heard({ name: 'participant:hand', message: { id: 'p-self', at: 6 } })
    company.heard({ name: 'participant:left', message: { id: 'p-a' } })
    company.heard({ name: 'room:locked', message: { locked: false } })
    expect(state.get()).toMatchObject({ hands: { 'p-self': 6, 'p-b': 7 }, locked: false })
    expect(Object.keys(state.get().roles)).toEqual(['p-self', 'p-b'])
  })

  it("raises and lowers one's own hand", async () => {
    const { state, company, room } = begin()
    await room.enter()
    void company.toggleHand()
    expect(room.last('hand:set').message).toEqual({ raised: true })
    await room.last('hand:set').answer({ at: 9 })
    expect(state.get().hands).toEqual({ 'p-self': 9 })
    void company.toggleHand()
    expect(room.last('hand:set').message).toEqual({ raised: false })
    await room.last('hand:set').answer({ at: null })
    expect(state.get().hands).toEqual({})
  })

  it('a raised hand outlives a server that forgets it, a lowered one is not raised', async () => {
    const { state, company, room } = begin()
    await room.enter()
    void company.raiseHand(true)
    await room.last('hand:set').answer({ at: 9 })
    room.away()
    await room.enter()
    expect(room.asked).toHaveLength(2)
    await room.last('hand:set').answer({ at: 20 })
    expect(state.get().hands).toEqual({ 'p-self': 20 })
    company.heard({ name: 'participant:hand', message: { id: 'p-self', at: null } })
    room.away()
    await room.enter()
    expect(room.asked).toHaveLength(2)
  })

  it('has those before the door in the order in which they knocked, each once', async () => {
    const { state, company, room } = begin()
    await room.enter({ lobby: [{ id: 'k-2', name: 'Two', since: 2 }] })
    company.heard({ name: 'lobby:knocking', message: { id: 'k-1', name: 'One', since: 1 } })
    company.heard({ name: 'lobby:knocking', message: { id: 'k-2', name: 'Two', since: 2 } })
    expect(state.get().lobby.map(({ id }) => id)).toEqual(['k-1', 'k-2'])
    void company.admit('k-1')
    await room.last('lobby:admit').answer(null)
    // Somebody else has let in, or the person has gone: there is nothing left to be done.
    void company.deny('k-2')
    await room.last('lobby:deny').refuse('not-found')
    expect(state.get()).toMatchObject({ lobby: [], notice: null })
  })

  it('does what a host asks, and says who it was', async () => {
    const { clock, state, company, room, off } = begin()
    await room.enter()
    company.heard({ name: 'moderation:mute', message: { kind: 'audio', by: 'p-host' } })
    expect(off).toEqual(['audio'])
    expect(state.get().notice).toEqual({ kind: 'muted', what: 'audio' })
    await clock.advance(6000)
    expect(state.get().notice).toBeNull()
  })

  it('tells who becomes a host, and who is none any more sees nobody wait', async () => {
    const { state, company, room } = begin()
    await room.enter({ lobby: [{ id: 'k', name: 'K', since: 1 }] })
    company.heard({ name: 'participant:role', message: { id: 'p-self', role: 'host' } })
    expect(state.get()).toMatchObject({ notice: { kind: 'host' }, lobby: [{ id: 'k' }] })
    company.heard({ name: 'participant:role', message: { id: 'p-self', role: 'guest' } })
    expect(state.get().lobby).toEqual([])
  })

  it.each([
    ['offline', 'offline'],
    ['forbidden', 'forbidden'],
    ['rate-limited', 'other'],
  ] as const)('says so when something did not work: %s', async (code, why) => {
    const { state, company, room } = begin()
    await room.enter()
    void company.mute('audio', 'p-a')
    await room.last('moderation:mute').refuse(code)
    expect(state.get().notice).toEqual({ kind: 'failed', why })
  })

  it('without a server nothing is promised', async () => {
    const { state, company, room } = begin()
    await room.enter()
    room.away()
    void company.raiseHand(true)
    await settle()
    expect(state.get()).toMatchObject({ hands: {}, notice: { kind: 'failed', why: 'offline' } })
    company.left()
    expect(state.get()).toEqual(initialCompany)
  })
})
