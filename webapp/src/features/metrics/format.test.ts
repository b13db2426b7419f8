import { describe, expect, it } from '@jest/globals'
import { bitRate, tenths } from './format.ts'

describe('bit rates', () => {
  it.each([
    [0, 'en', '0 kbps'],
    [950.4, 'en', '950 kbps'],
    [999, 'en', '999 kbps'],
    [999.5, 'en', '1.0 Mbps'],
    [1000, 'en', '1.0 Mbps'],
    [1240, 'en', '1.2 Mbps'],
    [1240, 'vi', '1,2 Mbps'],
    [12_400, 'en', '12 Mbps'],
  ])('REQ-M6: %d kbit/s in %s is %s', (kbps, locale, said) => {
    expect(bitRate(kbps, locale)).toBe(said)
  })
})

it('REQ-M6: a share is said to a tenth, in the language of the page', () => {
  expect([tenths(0, 'en'), tenths(12.04, 'en'), tenths(0.46, 'vi')]).toEqual(['0.0', '12.0', '0,5'])
})
