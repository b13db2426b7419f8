import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parse } from 'yaml'
import { inShortLines } from './short-lines.ts'

describe('inShortLines', () => {
  it('REQ-K2: says the same as before, as JSON and as YAML', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify({ value })
        expect(JSON.stringify(JSON.parse(inShortLines(text)))).toBe(text)
        expect(JSON.stringify(parse(inShortLines(text)))).toBe(JSON.stringify(parse(text)))
      }),
    )
  })

  it.each(['{', '[', ',', '{"', '",', 'a\\"{', '\\', '"', ':[', '\n', '": {"'])(
    'keeps %j in strings',
    (text) => {
      const value = { [text]: [text, { [text]: text }], n: [1, -2.5e-7, true, null] }
      expect(JSON.parse(inShortLines(JSON.stringify(value)))).toEqual(value)
    },
  )

  it('leaves no opening that goes on in its line', () => {
    const text = inShortLines(JSON.stringify({ a: { b: [{ c: 'd' }, { e: 5 }] }, f: {} }))
    expect(text.split('\n').every((line) => !/[{[,]./.test(line))).toBe(true)
  })
})
