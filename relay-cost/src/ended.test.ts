import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { hourOf, refKey, totalOf } from './allocation.ts'
import { EndedAllocations } from './ended.ts'
import { record } from './testing/stream.ts'

describe('allocations that have ended', () => {
  it('REQ-K5: so many are remembered and no more, the last ones, each with what it came to', () => {
    const many = fc.uniqueArray(record, { selector: refKey, maxLength: 12 })
    fc.assert(
      fc.property(many, fc.integer({ min: 1, max: 12 }), (records, most) => {
        const ended = new EndedAllocations(most)
        for (const each of records) ended.remember(each, totalOf(each))
        const kept = records.slice(-most)
        expect(records.filter((each) => ended.has(each))).toEqual(kept)
        for (const each of records) {
          const taken = ended.take(each, each.remote)
          const hours = new Map([[hourOf(each.lastSeenAt), totalOf(each)]])
          expect(taken).toEqual(kept.includes(each) ? { ...each, hours } : undefined)
          expect(ended.take(each, '')).toBeUndefined()
        }
      }),
    )
  })

  it('REQ-K5: of two of one name the last is remembered, and found without its address', () => {
    const [first] = fc.sample(record, 1)
    if (!first) throw new Error('no record')
    const ended = new EndedAllocations()
    ended.remember({ ...first, remote: 'c:1' }, totalOf(first))
    ended.remember({ ...first, remote: 'c:2' }, totalOf(first))
    expect(ended.take(first, 'c:1')).toBeUndefined()
    expect(ended.take(first, '')?.remote).toBe('c:2')
  })
})
