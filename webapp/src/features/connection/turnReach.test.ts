import { describe, expect, it } from '@jest/globals'
import { turnReachable } from './turnReach.ts'

const candidate = (candidateType: string): [string, unknown] => [
  candidateType,
  { type: 'local-candidate', candidateType },
]

describe('turnReachable', () => {
  it('REQ-W1: relays cannot be reached where none was found, and they were looked for', () => {
    expect(turnReachable([candidate('host')], 2, 5000)).toBe(false)
    expect(turnReachable([candidate('host'), candidate('srflx')], 1, 60_000)).toBe(false)
  })

  it('REQ-W1: one relay that answers is enough', () => {
    expect(turnReachable([candidate('host'), candidate('relay')], 9, 60_000)).toBe(true)
  })

  it('is not known while it is looked for, nor where nothing was refused', () => {
    expect(turnReachable([candidate('host')], 2, 4999)).toBeUndefined()
    expect(turnReachable([candidate('host')], 0, 60_000)).toBeUndefined()
  })
})
