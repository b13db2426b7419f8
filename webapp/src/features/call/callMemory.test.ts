import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CallMemory } from './callMemory.ts'

function storage() {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

const call = fc.record({
  room: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  // Letters of Latin scripts, Vietnamese among them; the block between them has marks that show nothing.
  name: fc.stringMatching(/^[A-Za-zÀ-ɏẠ-ỹ]{1,64}$/),
  media: fc.record({ audio: fc.boolean(), video: fc.boolean() }),
})

describe('CallMemory', () => {
  it('REQ-P28: Feature: webrtc-improvements, Property 28: recalls the call with its mute states', () => {
    fc.assert(
      fc.property(call, (remembered) => {
        const kept = storage()
        new CallMemory(() => kept).remember(remembered)
        expect(new CallMemory(() => kept).recall()).toEqual(remembered)
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P29: Feature: webrtc-improvements, Property 29: nothing is left once it is forgotten', () => {
    fc.assert(
      fc.property(fc.array(call), (calls) => {
        const kept = storage()
        const memory = new CallMemory(() => kept)
        for (const each of calls) memory.remember(each)
        memory.forget()
        expect(kept.items.size).toBe(0)
        expect(memory.recall()).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('writes what is another one, and nothing that is written already', () => {
    const kept = storage()
    let writes = 0
    const memory = new CallMemory(() => ({
      ...kept,
      setItem: (key, value) => {
        writes++
        kept.setItem(key, value)
      },
      removeItem: (key) => {
        writes++
        kept.removeItem(key)
      },
    }))
    const ana = { room: 'room', name: 'Ana', media: { audio: true, video: true } }
    for (let times = 0; times < 3; times++) memory.remember({ ...ana })
    expect(writes).toBe(1)
    memory.remember({ ...ana, media: { audio: false, video: true } })
    for (let times = 0; times < 3; times++) memory.forget()
    expect(writes).toBe(3)
    memory.remember(ana)
    expect(memory.recall()).toEqual(ana)
  })

  it('takes what it cannot read for nothing', () => {
    const kept = storage()
    for (const text of ['', '{', '{}', '{"room":"a b"}']) {
      kept.setItem('parley.call', text)
      expect(new CallMemory(() => kept).recall()).toBeUndefined()
    }
  })

  it('does without where the browser keeps nothing', () => {
    const memory = new CallMemory(() => {
      throw new DOMException('not allowed', 'SecurityError')
    })
    memory.remember({ room: 'room', name: 'Ana', media: { audio: true, video: true } })
    memory.forget()
    expect(memory.recall()).toBeUndefined()
  })
})
