import { describe, expect, it } from '@jest/globals'
import { FakeRoom, testCell } from '../../testing/FakeRoom.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { floatMs, floatsMax, Reactions } from './Reactions.ts'
import { initialReactions, type ReactionState } from './reactionState.ts'

async function begin() {
  const clock = new TestClock()
  const state = testCell<ReactionState>(initialReactions)
  const reactions = new Reactions({ reactions: state, clock, random: () => 0.5 })
  const room = new FakeRoom(reactions)
  await room.enter()
  const shown = () => state.get().floats.map(({ from, reaction }) => [from, reaction])
  return { clock, reactions, room, shown }
}

describe('Reactions', () => {
  it("shows one's own at once and those of others, each for a while", async () => {
    const { clock, reactions, room, shown } = await begin()
    reactions.react('like')
    await clock.advance(floatMs / 2)
    reactions.heard({ name: 'reaction', message: { id: 'p-a', reaction: 'love' } })
    expect(room.last('reaction:send').message).toEqual({ reaction: 'like' })
    expect(shown()).toEqual([
      ['p-self', 'like'],
      ['p-a', 'love'],
    ])
    await clock.advance(floatMs / 2)
    expect(shown()).toEqual([['p-a', 'love']])
    await clock.advance(floatMs / 2)
    expect(shown()).toEqual([])
  })

  it('sends no more a second than the server takes, and none without it', async () => {
    const { clock, reactions, room } = await begin()
    const burst = [1, 2, 3, 4, 5].map(() => reactions.react('applause'))
    expect(burst).toEqual([true, true, true, false, false])
    await clock.advance(1000)
    expect(reactions.react('applause')).toBe(true)
    expect(room.asked).toHaveLength(4)
    room.away()
    await clock.advance(1000)
    expect(reactions.react('applause')).toBe(false)
  })

  it('a hall that applauds does not fill the page', async () => {
    const { reactions, shown } = await begin()
    for (let i = 0; i < 3 * floatsMax; i++)
      reactions.heard({ name: 'reaction', message: { id: `p-${i}`, reaction: 'applause' } })
    expect(shown()).toHaveLength(floatsMax)
    expect(shown().at(-1)).toEqual([`p-${3 * floatsMax - 1}`, 'applause'])
  })
})
