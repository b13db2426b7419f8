import { describe, expect, it } from '@jest/globals'
import { type Role, roles } from '@parley/protocol'
import fc from 'fast-check'
import { type Action, atLeast, demand, may } from './powers.ts'

const role = fc.constantFrom(...roles)
const actions: readonly Action[] = ['admit', 'mute', 'remove', 'lock', 'end', 'invite']
const action = fc.constantFrom(...actions)

describe('REQ-W5: what a role may do', () => {
  it('is nothing for guests and members, whatever it is and whomever it is done to', () => {
    fc.assert(
      fc.property(fc.constantFrom<Role>('guest', 'member'), action, role, (actor, what, target) => {
        expect(may(actor, what, target)).toBe(false)
        expect(() => demand(actor, what, target)).toThrow(
          expect.objectContaining({ code: 'forbidden', message: expect.stringContaining('host') }),
        )
      }),
    )
  })

  it('is everything for an admin, and for a host but what is done to an admin', () => {
    fc.assert(
      fc.property(action, role, (what, target) => {
        expect(may('admin', what, target)).toBe(true)
        const toSomebody = what === 'mute' || what === 'remove' || what === 'invite'
        expect(may('host', what, target)).toBe(!(toSomebody && target === 'admin'))
      }),
    )
  })

  it('never grows less with the role, nor more with the role of whom it is done to', () => {
    fc.assert(
      fc.property(role, role, action, role, role, (actor, other, what, target, lesser) => {
        fc.pre(atLeast(other, actor) && atLeast(target, lesser) && may(actor, what, target))
        expect(may(other, what, target)).toBe(true)
        expect(may(actor, what, lesser)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
