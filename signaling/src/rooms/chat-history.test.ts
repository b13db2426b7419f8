import { describe, expect, it } from '@jest/globals'
import { chatHistoryMax } from '@parley/protocol'
import fc from 'fast-check'
import { manualClock } from '../testing/manual-clock.ts'
import { chatTailMs } from './chat-history.ts'
import { memoryRoomStore } from './memory-room-store.ts'
import type { RoomKey } from './room-store.ts'

const key: RoomKey = { tenant: 't', room: 'r' }
const said = (id: string, text = id) => ({ id, text, from: 'p-a', name: 'Ann' })

function begin() {
  const clock = manualClock()
  const rooms = memoryRoomStore(clock.now, { markMs: 60_000, leaseMs: 15_000 })
  const enter = (id: string) =>
    rooms.join(
      key,
      {
        participant: {
          id,
          name: id,
          media: { audio: true, video: true },
          joinedAt: clock.now(),
          role: 'guest',
        },
        session: id,
      },
      { total: 9, mesh: 9 },
    )
  const texts = async (room = key) => (await rooms.chat.said(room)).map(({ text }) => text)
  return { clock, rooms, enter, texts }
}

describe('the chat of a room', () => {
  it('what is said again keeps its place and its words', async () => {
    const { clock, rooms, texts } = begin()
    const first = await rooms.chat.say(key, said('one'))
    clock.advance(5)
    await rooms.chat.say(key, said('two'))
    expect(await rooms.chat.say(key, { ...said('one', 'other words'), from: 'p-b' })).toEqual(first)
    expect(await texts()).toEqual(['one', 'two'])
    expect(await texts({ ...key, room: 'another' })).toEqual([])
  })

  it('times rise, however fast people write', async () => {
    const { clock, rooms } = begin()
    const start = clock.now()
    for (const id of ['a', 'b', 'c']) await rooms.chat.say(key, said(id))
    expect((await rooms.chat.said(key)).map(({ at }) => at - start)).toEqual([0, 1, 2])
  })

  it('REQ-W5: what was said in a locked room, or before the end, is not for who comes next', async () => {
    const { rooms, enter, texts } = begin()
    await enter('p-a')
    await rooms.chat.say(key, said('one'))
    await rooms.leave(key, 'p-a', 'p-a')
    expect(await texts()).toEqual(['one'])
    await enter('p-b')
    await rooms.door.setLocked(key, true)
    expect(await texts()).toEqual(['one'])
    await rooms.leave(key, 'p-b', 'p-b')
    expect(await texts()).toEqual([])
    await enter('p-c')
    await rooms.chat.say(key, said('two'))
    await rooms.door.end(key)
    expect(await texts()).toEqual([])
  })

  it('keeps the last messages, and knows more of them than it keeps', async () => {
    const { rooms, texts } = begin()
    const first = await rooms.chat.say(key, said('first'))
    for (let i = 0; i < chatHistoryMax; i++) await rooms.chat.say(key, said(`${i}`))
    expect(await texts()).toEqual(Array.from({ length: chatHistoryMax }, (_, i) => `${i}`))
    expect(await rooms.chat.say(key, said('first'))).toEqual({ at: first.at, message: undefined })
    expect(await texts()).toHaveLength(chatHistoryMax)
  })

  it('lives as long as the room, and a moment more for whoever reloads the page alone', async () => {
    const { clock, rooms, enter, texts } = begin()
    await enter('p-a')
    await rooms.chat.say(key, said('one'))
    clock.advance(3600_000)
    expect(await texts()).toEqual(['one'])
    await rooms.leave(key, 'p-a', 'p-a')
    clock.advance(chatTailMs - 1)
    await enter('p-b')
    clock.advance(3600_000)
    expect(await texts()).toEqual(['one'])
    await rooms.leave(key, 'p-b', 'p-b')
    clock.advance(chatTailMs)
    await enter('p-c')
    expect(await texts()).toEqual([])
  })

  it('any order of messages and repetitions ends with each once, in the order of first coming', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), async (ids) => {
        const { rooms, texts } = begin()
        for (const id of ids) await rooms.chat.say(key, said(`${id}`))
        expect(await texts()).toEqual([...new Set(ids)].map(String))
      }),
      { numRuns: 100 },
    )
  })
})

describe('hands', () => {
  it('keep their place while up, are lowered by their owner and by others, and go with the seat', async () => {
    const { clock, rooms, enter } = begin()
    await enter('p-a')
    const up = await rooms.setHand(key, 'p-a', 'p-a', true)
    expect(up).toEqual({ at: clock.now() })
    clock.advance(1000)
    expect(await rooms.setHand(key, 'p-a', 'p-a', true)).toEqual(up)
    expect(await enter('p-b')).toMatchObject({
      participants: [{ id: 'p-a', handAt: up?.at }, { id: 'p-b' }],
    })
    expect(await rooms.setHand(key, 'p-a', 'another', false)).toBeUndefined()
    expect(await rooms.setHand(key, 'p-a', undefined, false)).toEqual({ at: null })
    expect(await rooms.setHand(key, 'p-x', undefined, false)).toBeUndefined()
    await rooms.setHand(key, 'p-a', 'p-a', true)
    await rooms.leave(key, 'p-a', 'p-a')
    expect((await enter('p-a')) as object).not.toHaveProperty('self.handAt')
  })
})
