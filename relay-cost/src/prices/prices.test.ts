import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { presetPrices, presets } from './presets.ts'
import { loadPrices, type Prices, priceEgress, type Tier } from './prices.ts'

const file = (tiers: string, more = '') => `
currency: USD
asOf: 2026-11-01
gigabyte: 2^30
${more}
egress: { internet: { tiers: ${tiers} } }
`

const tiersOf = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 200 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((steps): Tier[] => {
    let upToGB = 0
    return steps.map(([width, cents], index) => {
      upToGB = index === steps.length - 1 ? Number.POSITIVE_INFINITY : upToGB + width
      return { upToGB, perGB: cents / 1000 }
    })
  })

const pricesOf = (tiers: Tier[], priorUsageGB = 0): Prices => {
  const preset = presetPrices('aws/us-east-1')
  const internet = { priorUsageGB, tiers }
  return { ...preset, gigabyte: 1e9, egress: { ...preset.egress, internet } }
}

describe('a prices file', () => {
  it('REQ-K5: is read as in the documentation, with defaults', () => {
    expect(
      loadPrices(file('[{ upToGB: 100, perGB: 0.1 }, { perGB: 0.05 }]'), 'mine'),
    ).toMatchObject({
      name: 'mine',
      gigabyte: 2 ** 30,
      meter: 'egress',
      packetOverheadBytes: 28,
      nodes: { perHour: 0, publicIPv4PerHour: 0 },
      egress: {
        internet: {
          priorUsageGB: 0,
          tiers: [
            { upToGB: 100, perGB: 0.1 },
            { upToGB: Number.POSITIVE_INFINITY, perGB: 0.05 },
          ],
        },
      },
    })
  })

  it.each([
    [
      '[{ fromGB: 0, upToGB: 10, perGB: 1 }, { fromGB: 20, perGB: 2 }]',
      /hole: nothing prices 10 to 20 GB before tier 2/,
    ],
    [
      '[{ upToGB: 10, perGB: 1 }, { upToGB: 20, perGB: 2 }]',
      /hole: nothing prices what is above 20 GB.*tier 2/,
    ],
    [
      '[{ upToGB: 20, perGB: 1 }, { upToGB: 10, perGB: 2 }, { perGB: 3 }]',
      /disorder: tier 2 ends at 10 GB/,
    ],
    ['[{ perGB: 1 }, { perGB: 2 }]', /tier 1 has no upToGB/],
    [
      '[{ fromGB: 0, upToGB: 10, perGB: 1 }, { fromGB: 5, perGB: 2 }]',
      /tier 2 starts at 5 GB, inside/,
    ],
    ['[{ perGB: -1 }]', /tier 1 perGB: must not be negative/],
    ['[{ upToGB: 5 }, { perGB: 1 }]', /tier 1 perGB: is missing/],
    ['[]', /needs at least one tier/],
  ])('names the tier at fault: %s', (tiers, message) => {
    expect(() => loadPrices(file(tiers))).toThrow(message)
  })

  it('names a field that is wrong, misspelt or missing', () => {
    expect(() => loadPrices(file('[{ perGB: 1 }]', 'curency: EUR'))).toThrow(/curency/)
    expect(() => loadPrices('currency: dollars')).toThrow(/currency: must be a currency code/)
    expect(() => loadPrices(file('[{ perGB: 1 }]').replace('2^30', '1024'))).toThrow(
      /gigabyte: must be 1e9 or 2\^30/,
    )
    expect(() => loadPrices('a: [')).toThrow(expect.objectContaining({ code: 'PRICES_SYNTAX' }))
    expect(() => loadPrices('')).toThrow(expect.objectContaining({ code: 'PRICES_INVALID' }))
  })
})

describe('presets', () => {
  it('all carry a date and a source, and price every byte', () => {
    expect(Object.keys(presets).length).toBeGreaterThanOrEqual(7)
    for (const [name, prices] of Object.entries(presets)) {
      expect(prices).toMatchObject({ name, asOf: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) })
      expect(prices.source).not.toBe('')
      expect(prices.egress.internet.tiers.at(-1)?.upToGB).toBe(Number.POSITIVE_INFINITY)
    }
  })

  it('an unknown one is refused with the list of those there are', () => {
    expect(() => presetPrices('aws/mars')).toThrow(/no price preset "aws\/mars".*aws\/us-east-1/)
    expect(() => presetPrices('constructor')).toThrow(/no price preset/)
  })
})

describe('a file that is no price list', () => {
  const tiers = (tier: string) =>
    `{currency: USD, asOf: 2026-11-01, gigabyte: 1e9, egress: {internet: {tiers: [${tier}]}}}`

  it.each([
    ['', 'mine.yaml: is no price list; it needs currency'],
    ['[1, 2]', 'mine.yaml: is no price list'],
    ['a: *nowhere', 'mine.yaml: not YAML: Unresolved alias'],
    ['currency: USD', /asOf: must be a date.*egress: is missing/],
    [tiers('{perGB: "0.1"}'), 'tier 1 perGB: must be a number'],
    [tiers('{perGB: 1e308}'), 'tier 1 perGB: is beyond any price; check its unit'],
    [tiers('{upTo: 1, perGB: 1}'), 'tier 1: unknown field upTo; remove it or correct its name'],
    [tiers('{perGB: 1}').replace('11-01', '13-45'), 'asOf: must be a date, as 2026-11-01'],
  ])('%j is refused in words', (text, message) => {
    expect(() => loadPrices(text, 'mine.yaml')).toThrow(message)
  })

  it('many aliases of aliases are refused at once', () => {
    let text = 'a0: &a0 [x]\n'
    for (let level = 1; level < 12; level += 1)
      text += `a${level}: &a${level} [${Array(9).fill(`*a${level - 1}`)}]\n`
    expect(() => loadPrices(text, 'mine.yaml')).toThrow('mine.yaml: not YAML: Excessive alias')
  })
})

describe('tiers', () => {
  it('REQ-K5: equal the sum over gigabytes, one by one', () => {
    fc.assert(
      fc.property(tiersOf, fc.nat(6000), fc.nat(3000), (tiers, prior, gigabytes) => {
        let sum = 0
        for (let gb = prior; gb < prior + gigabytes; gb += 1)
          sum += tiers.find(({ upToGB }) => gb < upToGB)?.perGB ?? Number.NaN
        expect(priceEgress(gigabytes * 1e9, pricesOf(tiers, prior))).toBeCloseTo(sum, 6)
      }),
    )
  })

  it('REQ-K5: more bytes never cost less, and two spans cost what they cost together', () => {
    const bytes = fc.nat(5e12)
    fc.assert(
      fc.property(tiersOf, bytes, bytes, (tiers, first, second) => {
        const whole = priceEgress(first + second, pricesOf(tiers))
        const parts =
          priceEgress(first, pricesOf(tiers)) + priceEgress(second, pricesOf(tiers, first / 1e9))
        expect(whole).toBeGreaterThanOrEqual(priceEgress(first, pricesOf(tiers)))
        expect(parts).toBeCloseTo(whole, 6)
      }),
    )
  })
})
