import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { formatIp, parseIpRange } from './ip.ts'

const ends = (text: string) => {
  const range = parseIpRange(text)
  return range && [range.first, range.last].map((ip) => formatIp(range.family, ip)).join(' ')
}

describe('an address range', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3 10.1.2.3'],
    ['10.1.2.3/8', '10.0.0.0 10.255.255.255'],
    ['0.0.0.0/0', '0.0.0.0 255.255.255.255'],
    ['10.0.0.9-10.0.0.1', '10.0.0.1 10.0.0.9'],
    ['fe80::/10', 'fe80:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304 64:ff9b::102:304'],
    ['::/127', ':: ::1'],
  ])('%s is %s', (text, expected) => {
    expect(ends(text)).toBe(expected)
  })

  it.each([
    '',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'a-b',
    '1.2.3.4-::1',
    '::1%lo',
  ])('"%s" is none', (text) => {
    expect(ends(text)).toBeUndefined()
  })

  it('an address is written and read back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        const range = parseIpRange(ip)
        const written = range && formatIp(range.family, range.first)
        expect(parseIpRange(written ?? '')).toEqual(range)
      }),
    )
  })
})
