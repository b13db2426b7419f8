import { describe, expect, it } from '@jest/globals'
import { moderates, roles } from '@parley/protocol'
import fc from 'fast-check'
import { crownOf, type Seated } from './crown.ts'
import { atLeast } from './powers.ts'

const seated: fc.Arbitrary<Seated[]> = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^p-[a-z]{3}$/),
    role: fc.constantFrom(...roles),
    joinedAt: fc.integer({ min: 0, max: 5 }),
    crowned: fc.constant(false),
  }),
  { selector: ({ id }) => id, maxLength: 8 },
)
const least = fc.constantFrom('guest' as const, 'member' as const)

describe('the host of a room for want of one', () => {
  it('REQ-W5: is the one who has been there longest of those who may be, where nobody came as a host', () => {
    fc.assert(
      fc.property(seated, least, (room, who) => {
        const crown = room.find(({ id }) => id === crownOf(room, who))
        const heirs = room.filter(({ role }) => atLeast(role, who))
        if (room.some(({ role }) => moderates(role)) || heirs.length === 0)
          expect(crown).toBeUndefined()
        else {
          expect(crown && atLeast(crown.role, who)).toBe(true)
          expect(crown?.joinedAt).toBe(Math.min(...heirs.map(({ joinedAt }) => joinedAt)))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('REQ-W5: stays it while others come and go, until a host comes', () => {
    fc.assert(
      fc.property(seated, least, fc.nat(), (room, who, pick) => {
        const first = crownOf(room, who)
        fc.pre(first !== undefined)
        const others = room.filter(({ id }) => id !== first)
        const gone = others[pick % (others.length + 1)]?.id
        const later = room
          .filter(({ id }) => id !== gone)
          .map((one) => ({ ...one, crowned: one.id === first }))
        const early = { id: 'p-early', role: 'member', joinedAt: -1, crowned: false } as const
        expect(crownOf([...later, early], who)).toBe(first)
        expect(crownOf([...later, { ...early, role: 'host' }], who)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
})
