import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { PackedRecords } from './packed.ts'
import { record } from './testing/stream.ts'

it('REQ-K5: records come out of a pack as they went in', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), (records) => {
      const packed = new PackedRecords()
      for (const each of records) packed.add(each)
      expect(packed.size).toBe(records.length)
      for (const [index, each] of records.entries()) {
        expect(packed.read(index)).toEqual(each)
        expect([packed.usernameOf(index), packed.openedAt(index)]).toEqual([
          each.username,
          each.openedAt,
        ])
      }
    }),
  )
})
