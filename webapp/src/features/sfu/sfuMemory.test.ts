import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sfuMemory } from './sfuMemory.ts'

const own = Object.getOwnPropertyDescriptor(globalThis, 'localStorage')
const keepIn = (storage: object) =>
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, ...storage })

beforeEach(() => {
  const items = new Map<string, string>()
  const value = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => void items.set(key, text),
  }
  keepIn({ value })
})
afterEach(() => {
  if (own) Object.defineProperty(globalThis, 'localStorage', own)
  else Reflect.deleteProperty(globalThis, 'localStorage')
})

describe('the room that was on the SFU', () => {
  it('REQ-W2: is expected there again, until it is found to be a mesh', () => {
    expect(sfuMemory.expects('standup')).toBe(false)
    sfuMemory.found('standup', 'sfu')
    sfuMemory.found('other', 'mesh')
    expect(sfuMemory.expects('standup')).toBe(true)
    expect(sfuMemory.expects('other')).toBe(false)
    sfuMemory.found('standup', 'mesh')
    expect(sfuMemory.expects('standup')).toBe(false)
  })

  it('REQ-W1: is none where the browser keeps nothing', () => {
    keepIn({
      get() {
        throw new DOMException('no', 'SecurityError')
      },
    })
    sfuMemory.found('standup', 'sfu')
    expect(sfuMemory.expects('standup')).toBe(false)
  })
})
