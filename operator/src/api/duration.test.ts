import { expect, it } from '@jest/globals'
import { durationSeconds } from './duration.ts'

it.each([
  ['90s', 90],
  ['1h30m', 5400],
  ['250ms', 0.25],
  ['720h', 2_592_000],
])('%s is %d seconds', (text, seconds) => {
  expect(durationSeconds(text)).toBe(seconds)
})

it.each(['', '5', '1d', '1.5h', 's'])('"%s" is no duration', (text) => {
  expect(() => durationSeconds(text)).toThrow(/write it like 90s/)
})
