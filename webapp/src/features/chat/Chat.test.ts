import { describe, expect, it } from '@jest/globals'
import type { ChatMessage } from '@parley/protocol'
import { FakeRoom, testCell } from '../../testing/FakeRoom.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { Chat } from './Chat.ts'
import { type ChatState, initialChat } from './chatState.ts'

const said = (at: number, text = `said at ${at}`): ChatMessage => ({
  id: `message-of-another-${at}`,
  at,
  from: 'p-other',
  name: 'Other',
  text,
})

function begin() {
  const clock = new TestClock()
  const state = testCell<ChatState>(initialChat)
  let count = 0
  const chat = new Chat({ chat: state, clock, newId: () => `message-of-self-${++count}` })
  const room = new FakeRoom(chat)
  const states = () => state.get().entries.map((entry) => [entry.text, entry.state])
  const sent = () =>
    room.asked.filter(({ event }) => event === 'chat:send').map((one) => one.message)
  return { clock, state, chat, room, states, sent }
}

describe('Chat', () => {
  it('sends one after the other, and shows each as it stands', async () => {
    const { chat, room, states, sent } = begin()
    await room.enter()
    chat.say('one')
    chat.say('two')
    expect(states()).toEqual([
      ['one', 'sending'],
      ['two', 'waiting'],
    ])
    await room.last('chat:send').answer({ at: 5 })
    expect(sent()).toHaveLength(2)
    await room.last('chat:send').answer({ at: 6 })
    expect(states()).toEqual([
      ['one', 'sent'],
      ['two', 'sent'],
    ])
  })

  it('what could not be sent is kept, marked, and sent when the socket is back, with the same id', async () => {
    const { chat, room, states, sent } = begin()
    await room.enter()
    chat.say('before')
    const lost = room.last('chat:send')
    room.away()
    chat.say('while away')
    expect(states()).toEqual([
      ['before', 'waiting'],
      ['while away', 'waiting'],
    ])
    await room.enter()
    // The answer to what was lost says nothing about what is under way now.
    await lost.refuse('offline')
    expect(states()[0]).toEqual(['before', 'sending'])
    await room.last('chat:send').answer({ at: 7 })
    await room.last('chat:send').answer({ at: 8 })
    expect(sent()).toEqual([
      { id: 'message-of-self-1', text: 'before' },
      { id: 'message-of-self-1', text: 'before' },
      { id: 'message-of-self-2', text: 'while away' },
    ])
    expect(states().map(([, one]) => one)).toEqual(['sent', 'sent'])
  })

  it.each(['rate-limited', 'unavailable', 'internal', 'offline'] as const)(
    'is sent again a little later when the answer is %s',
    async (code) => {
      const { chat, clock, room, states, sent } = begin()
      await room.enter()
      chat.say('hello')
      await room.last('chat:send').refuse(code)
      expect(states()).toEqual([['hello', 'waiting']])
      await clock.advance(2000)
      expect(sent()).toHaveLength(2)
      await room.last('chat:send').answer({ at: 1 })
      expect(states()).toEqual([['hello', 'sent']])
    },
  )

  it('what the server refuses for good is marked, and does not hold up what comes after', async () => {
    const { chat, room, states } = begin()
    await room.enter()
    chat.say('refused')
    chat.say('next')
    await room.last('chat:send').refuse('invalid')
    await room.last('chat:send').answer({ at: 1 })
    expect(states()).toEqual([
      ['next', 'sent'],
      ['refused', 'refused'],
    ])
    chat.discard('message-of-self-1')
    expect(states()).toEqual([['next', 'sent']])
  })

  it('counts what is unread while closed, and shows the newest for a moment', async () => {
    const { chat, clock, room, state } = begin()
    await room.enter()
    // Of those before one came there is a count, and no news.
    await room.last('chat:history').answer({ messages: [said(1), said(2)] })
    expect(state.get()).toMatchObject({ unread: 2, toast: null })
    chat.heard({ name: 'chat:message', message: said(3) })
    chat.heard({ name: 'chat:message', message: said(3) })
    expect(state.get()).toMatchObject({ unread: 3, toast: { name: 'Other', text: 'said at 3' } })
    await clock.advance(3000)
    chat.heard({ name: 'chat:message', message: said(4) })
    await clock.advance(5000)
    expect(state.get().toast).toMatchObject({ text: 'said at 4' })
    await clock.advance(1000)
    expect(state.get()).toMatchObject({ unread: 4, toast: null })
    chat.show(true)
    chat.heard({ name: 'chat:message', message: said(5) })
    expect(state.get()).toMatchObject({ unread: 0, toast: null })
  })

  it('has what was said while it was away, and asks again where there is no answer', async () => {
    const { clock, room, state } = begin()
    await room.enter()
    await room.last('chat:history').refuse('unavailable')
    await clock.advance(2000)
    await room.last('chat:history').answer({ messages: [said(1)] })
    room.away()
    await room.enter()
    await room.last('chat:history').answer({ messages: [said(1), said(2)] })
    expect(state.get()).toMatchObject({ unread: 2, toast: { text: 'said at 2' } })
    expect(room.asked.map(({ event }) => event)).toEqual(Array(3).fill('chat:history'))
  })

  it('sends nothing that has nothing to see, and what was copied without its control characters', async () => {
    const { chat, room, sent } = begin()
    await room.enter()
    expect(chat.say(' \n\t\u200b ')).toBe(false)
    expect(chat.say('\n a\r\nb\u0007\ud800 ')).toBe(true)
    expect(sent()).toEqual([{ id: 'message-of-self-1', text: ' a\nb\ufffd' }])
  })

  it('leaving forgets all of it, and late answers are of no interest', async () => {
    const { chat, room, state } = begin()
    await room.enter()
    const history = room.last('chat:history')
    chat.say('hello')
    chat.left()
    await history.answer({ messages: [said(1)] })
    await room.last('chat:send').answer({ at: 2 })
    expect(state.get()).toEqual(initialChat)
  })
})
