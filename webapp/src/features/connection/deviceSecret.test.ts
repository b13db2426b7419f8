import { expect, it } from '@jest/globals'
import { joinRequestSchema } from '@parley/protocol'
import fc from 'fast-check'
import { secretOf } from './deviceSecret.ts'

it('REQ-W5: the secret of a device is the one that it kept, or a new one where that would be refused', () => {
  const { holder } = joinRequestSchema.shape
  const spoiled = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.constantFrom('', 'null', `${'a'.repeat(20)}\n`),
  )
  fc.assert(
    fc.property(fc.oneof(spoiled, fc.stringMatching(/^[\w-]{16,64}$/)), (before) => {
      const secret = secretOf(before)
      expect(holder.safeParse(secret).success).toBe(true)
      expect(secret === before).toBe(holder.safeParse(before).success)
    }),
  )
  expect(secretOf(null)).not.toBe(secretOf(null))
})
