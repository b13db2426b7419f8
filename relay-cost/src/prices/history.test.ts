import { describe, expect, it } from '@jest/globals'
import { pricesOver } from './history.ts'
import { presetPrices } from './presets.ts'
import type { Prices } from './prices.ts'

const day = (date: number) => Date.UTC(2026, 10, date)
const november = { from: day(1), to: day(31) }
const list = (name: string, more: Partial<Prices> = {}): Prices => ({
  ...presetPrices('aws/us-east-1'),
  name,
  ...more,
})
const at = (lists: Prices[], date: number, region?: string) => {
  const { prices, until } = pricesOver(lists, november, region)(day(date))
  return [prices.name, until]
}

describe('which prices hold when', () => {
  const forever = Number.POSITIVE_INFINITY

  it('REQ-K5: one list without a time holds always', () => {
    expect(at([list('only')], 7)).toEqual(['only', forever])
  })

  it('REQ-K5: a list holds up to where the next begins', () => {
    const lists = [list('new', { validFrom: day(10) }), list('old')]
    expect(at(lists, 9)).toEqual(['old', day(10)])
    expect(at(lists, 10)).toEqual(['new', forever])
  })

  it('REQ-K5: a region’s own lists count, else those of no region', () => {
    const lists = [list('home'), list('far', { region: 'ap-south-1' })]
    expect(at(lists, 1, 'ap-south-1')).toEqual(['far', forever])
    expect(at(lists, 1, 'eu-west-1')).toEqual(['home', forever])
    expect(() => at([list('far', { region: 'ap-south-1' })], 1, 'eu-west-1')).toThrow(
      /no price list is for region eu-west-1.*ap-south-1.*add one with region: eu-west-1/,
    )
  })

  it.each<[string, Prices[], RegExp]>([
    ['two without a time', [list('a'), list('b')], /a and b both hold from the beginning/],
    [
      'two from the same day',
      [list('a', { validFrom: day(1) }), list('b', { validFrom: day(1) })],
      /a and b both hold from 2026-11-01T00:00Z; give each another validFrom/,
    ],
    [
      'one that goes on after the next began',
      [list('a', { validTo: day(12) }), list('b', { validFrom: day(10) })],
      /a and b both hold from 2026-11-10T00:00Z; end a there/,
    ],
    [
      'a hole',
      [list('a', { validTo: day(8) }), list('b', { validFrom: day(10) })],
      /no price list holds from 2026-11-08T00:00Z to 2026-11-10T00:00Z/,
    ],
    [
      'a late start',
      [list('a', { validFrom: day(3) })],
      /no price list holds from 2026-11-01T00:00Z to 2026-11-03T00:00Z \(the nearest is a\)/,
    ],
    [
      'an early end',
      [list('a', { validTo: day(8) })],
      /holds from 2026-11-08T00:00Z to 2026-12-01/,
    ],
    [
      'two currencies',
      [list('a'), list('b', { validFrom: day(10), currency: 'EUR' })],
      /a \(USD\) and b \(EUR\).*convert: \{ to: USD, rate, asOf \} to b/,
    ],
  ])('REQ-K5: %s is refused, with the fix', (_, lists, message) => {
    expect(() => pricesOver(lists, november)).toThrow(message)
    expect(() => pricesOver(lists.toReversed(), november)).toThrow(message)
  })

  it('REQ-K5: what is wrong outside the window does not matter', () => {
    const lists = [
      list('a'),
      list('b', { validFrom: day(31), currency: 'EUR' }),
      list('c', { validFrom: day(31) }),
    ]
    expect(pricesOver(lists, november)(day(30)).prices.name).toBe('a')
    const long = [list('a'), list('b'), list('c', { validFrom: day(1) })]
    expect(pricesOver(long, november)(day(1)).prices.name).toBe('c')
  })
})
