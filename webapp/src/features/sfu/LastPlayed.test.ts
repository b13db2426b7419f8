import { describe, expect, it } from '@jest/globals'
import { LastPlayed } from './LastPlayed.ts'

function reading() {
  const lastPlayed = new LastPlayed()
  let asked = 0
  const read = (
    voice: number | undefined,
    picture: number | undefined,
    { hidden = false, sent = true } = {},
  ) => {
    const ana = {
      id: 'ana',
      voice,
      picture: () => {
        asked++
        return picture
      },
      sent,
    }
    return lastPlayed.read([ana], hidden).get('ana')
  }
  return { read, asked: () => asked }
}

describe('what was played last', () => {
  it('is the voice while somebody is heard, and the later of the two else', () => {
    const { read } = reading()
    expect([read(1, 2), read(1, 3), read(undefined, 3), read(4, 3)]).toEqual([1, 3, 3, 4])
  })

  it('asks for no pictures of who is heard', () => {
    const { read, asked } = reading()
    for (let at = 1; at <= 10; at++) read(at, at)
    expect(asked()).toBe(0)
    read(10, 11)
    expect(asked()).toBe(1)
  })

  it('REQ-P7: of who is cut for so long that the browser has forgotten it, something is due all the same', () => {
    const { read } = reading()
    read(undefined, 5)
    expect([read(undefined, undefined), read(undefined, undefined)]).toEqual([5, 5])
    expect(read(undefined, undefined, { sent: false })).toBeUndefined()
    expect(read(undefined, undefined)).toBeUndefined()
  })

  it('REQ-P7, REQ-K8: after a page was hidden pictures are due from the first one on', () => {
    const { read } = reading()
    read(undefined, 5)
    expect(read(undefined, 5, { hidden: true })).toBeUndefined()
    expect(read(undefined, undefined)).toBeUndefined()
    expect([read(undefined, 9), read(undefined, undefined)]).toEqual([9, 9])
  })
})
