import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Finding, mergeConditions, transitions } from './conditions.ts'

const status = fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const)
const findings = fc.uniqueArray(
  fc.record<Finding>({
    type: fc.constantFrom('Ready', 'Stalled', 'TurnReady'),
    status,
    reason: fc.constantFrom('A', 'B'),
    message: fc.string(),
  }),
  { selector: ({ type }) => type },
)

describe('mergeConditions', () => {
  it('REQ-K1: the transition time changes exactly when the status does', () => {
    fc.assert(
      fc.property(fc.array(findings, { minLength: 1, maxLength: 8 }), (history) => {
        let conditions = mergeConditions([], [], 0, 0)
        history.forEach((found, step) => {
          const before = conditions
          conditions = mergeConditions(before, found, step, step * 1000)
          for (const condition of conditions) {
            const old = before.find(({ type }) => type === condition.type)
            const changed = condition.lastTransitionTime !== old?.lastTransitionTime
            expect(changed).toBe(condition.status !== old?.status)
            expect(condition.observedGeneration).toBe(step)
          }
          expect(conditions.map(({ type }) => type)).toEqual(found.map(({ type }) => type))
        })
      }),
    )
  })

  it('a message from elsewhere is no longer than a status may be, and tells terminals nothing', () => {
    const long = `a\u001b]0;title\u0007\n${'x'.repeat(100_000)}`
    const found: Finding[] = [{ type: 'Ready', status: 'False', reason: 'A', message: long }]
    const [condition] = mergeConditions([], found, 3, 1000)
    expect(condition?.message).toMatch(/^a \]0;title x+…$/)
    expect(condition?.message).toHaveLength(32_768)
    expect(mergeConditions(condition ? [condition] : [], found, 3, 2000)).toEqual([condition])
  })

  it('same findings, same conditions: there is nothing to write', () => {
    const found: Finding[] = [{ type: 'Ready', status: 'True', reason: 'A', message: 'm' }]
    const first = mergeConditions([], found, 3, 1000)
    expect(mergeConditions(first, found, 3, 99_000)).toEqual(first)
    expect(transitions(first, mergeConditions(first, found, 3, 99_000))).toEqual([])
  })

  it('a new reason alone is no transition', () => {
    const first = mergeConditions(
      [],
      [{ type: 'Ready', status: 'False', reason: 'A', message: '' }],
      1,
      1000,
    )
    const second = mergeConditions(
      first,
      [{ type: 'Ready', status: 'False', reason: 'B', message: '' }],
      1,
      9000,
    )
    expect(second[0]).toMatchObject({ reason: 'B', lastTransitionTime: '1970-01-01T00:00:01Z' })
    expect(transitions(first, second)).toEqual([])
    const third = mergeConditions(
      second,
      [{ type: 'Ready', status: 'True', reason: 'C', message: '' }],
      1,
      9999,
    )
    expect(transitions(second, third).map(({ type }) => type)).toEqual(['Ready'])
    expect(third[0]?.lastTransitionTime).toBe('1970-01-01T00:00:09Z')
  })
})
