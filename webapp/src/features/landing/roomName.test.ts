import { describe, expect, it } from '@jest/globals'
import { slugSchema } from '@parley/protocol'
import fc from 'fast-check'
import { pathFromInput, roomFromInput, suggestRoomName } from './roomName.ts'

describe('room names', () => {
  it('suggests names that a room can have', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.9999, noNaN: true }), (random) => {
        expect(slugSchema.safeParse(suggestRoomName(() => random)).success).toBe(true)
      }),
    )
    expect(suggestRoomName(() => 0)).toBe('amber-badger-1000')
  })

  it.each([
    ['standup', 'standup'],
    ['  Team  standup ', 'Team-standup'],
    ['https://meet.example.com/r/standup?name=X', 'standup'],
    ['meet.example.com/r/standup', 'standup'],
    ['', undefined],
    ['a/b', undefined],
    ['x'.repeat(65), undefined],
  ])('takes %j for %j', (input, room) => {
    expect(roomFromInput(input)).toBe(room)
  })

  it.each([
    ['standup', '/r/standup'],
    [' https://meet.example.com/r/standup?name=X#invite=a.b-c ', '/r/standup#invite=a.b-c'],
    ['meet.example.com/r/standup#e2ee=AAECAw&invite=a.b', '/r/standup#e2ee=AAECAw&invite=a.b'],
    ['https://meet.example.com/r/standup#top', '/r/standup'],
    ['https://meet.example.com/r/a%20b#invite=a.b', undefined],
    ['', undefined],
  ])('REQ-W1: of %j what lets one in, and what decrypts, goes along: %j', (input, path) => {
    expect(pathFromInput(input)).toBe(path)
  })
})
