import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { InvalidSelector, parseSelector } from './label-selector.ts'

const labels = { cluster: 'demo', 'parley.dev/tier': 'gold', empty: '' }

describe('a label selector', () => {
  it.each([
    ['', true],
    ['cluster=demo', true],
    ['cluster==demo', true],
    ['cluster = demo , empty=', true],
    ['cluster=other', false],
    ['cluster!=demo', false],
    ['missing!=demo', true],
    ['missing=', false],
    ['cluster in (a,demo)', true],
    ['cluster in (a, b)', false],
    ['cluster notin (a,b)', true],
    ['cluster in ( a , demo ),empty in ()', true],
    ['missing notin (a)', true],
    ['missing in (a)', false],
    ['parley.dev/tier', true],
    ['!parley.dev/tier', false],
    ['!missing,cluster in (demo,other),parley.dev/tier=gold', true],
    ['cluster in (demo),!cluster', false],
    ['constructor', false],
  ])('%j: %s', (text, matches) => {
    expect(parseSelector(text)(labels)).toBe(matches)
  })

  it.each([
    ...['=demo', 'cluster in demo', 'cluster>1', 'a=b=c', 'a,,b', '(', 'cluster in (a'],
    ...['cluster in (a b)', 'cluster in (a),', 'cluster in (a,(b)'],
  ])('%j is refused', (text) => {
    expect(() => parseSelector(text)).toThrow(InvalidSelector)
  })

  it.each([
    `a in (${' ,'.repeat(8000)}!)`,
    `a in (${' '.repeat(16_000)}!`,
    ','.repeat(16_000),
    `${'a.'.repeat(8000)} !`,
    `a=${'b'.repeat(16_000)} !`,
  ])('one that is as long as a request may be keeps nobody else waiting', (text) => {
    const began = performance.now()
    expect(() => parseSelector(text)).toThrow(InvalidSelector)
    expect(performance.now() - began).toBeLessThan(1000)
  })

  it('is understood or refused, whatever it is, in no time', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 200 }), fc.stringMatching(/^[a=,() !in]{0,200}$/)),
        (text) => {
          try {
            parseSelector(text)(labels)
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidSelector)
          }
        },
      ),
    )
  })
})
