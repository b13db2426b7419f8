import { describe, expect, it } from '@jest/globals'
import { sharedText, withSharedMembers } from './shared.ts'

describe('what many have in common', () => {
  it('is one object for equal members, and leaves others alone', () => {
    const one = withSharedMembers({ turn: { replicas: 2 }, domain: 'a' })
    const other = withSharedMembers({ turn: { replicas: 2 }, domain: 'b' })
    const third = withSharedMembers({ turn: { replicas: 3 }, domain: 'b' })
    expect(one.turn).toBe(other.turn)
    expect(one).toEqual({ turn: { replicas: 2 }, domain: 'a' })
    expect(third).toEqual({ turn: { replicas: 3 }, domain: 'b' })
  })

  it('keeps texts as they are', () => {
    expect([sharedText('a'), sharedText('a'), sharedText(undefined)]).toEqual(['a', 'a', undefined])
  })
})
