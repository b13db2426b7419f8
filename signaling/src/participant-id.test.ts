import { describe, expect, it } from '@jest/globals'
import { slugSchema } from '@parley/protocol'
import fc from 'fast-check'
import { newParticipantId } from './participant-id.ts'

describe('the pseudonym of a participant', () => {
  it('is smaller the earlier it was made', () => {
    const start = Date.UTC(2026, 0)
    const ms = fc.integer({ min: 0, max: 180 * 86_400_000 })
    fc.assert(
      fc.property(ms, ms, (one, other) => {
        const [early = 0, late = 0] = [one, other].sort((a, b) => a - b)
        const [first, second] = [newParticipantId(start + early), newParticipantId(start + late)]
        if (late - early >= 1000) expect(first < second).toBe(true)
        expect(first).toMatch(/^p-[a-z0-9]{12}$/)
        expect(slugSchema.parse(second)).toBe(second)
      }),
      { numRuns: 300 },
    )
  })

  it('is another one each time', () => {
    const made = Array.from({ length: 1000 }, () => newParticipantId(0))
    expect(new Set(made).size).toBe(made.length)
  })
})
