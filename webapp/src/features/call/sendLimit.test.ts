import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { qualityLevels } from '../settings/preferences.ts'
import { sendLimitFor } from './sendLimit.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

describe('what one link may send', () => {
  it('REQ-W4: is never more than the person has chosen, nor than the room leaves', () => {
    const chosen = Object.values(qualityLevels).map(({ kbps }) => kbps)
    fc.assert(
      fc.property(fc.nat(12), fc.constantFrom(...chosen), (others, kbps) => {
        const free = sendLimitFor(others)
        const limited = sendLimitFor(others, kbps)
        expect(limited.maxBitrate).toBe(Math.min(free.maxBitrate, kbps * 1000))
        expect(limited.scaleResolutionDownBy).toBe(free.scaleResolutionDownBy)
        expect(sendLimitFor(others + 1, kbps).maxBitrate).toBeLessThanOrEqual(limited.maxBitrate)
      }),
      { numRuns: 100 },
    )
  })
})
