import { describe, expect, it } from '@jest/globals'
import { loadPriceLists, loadPrices } from './file.ts'
import { nodePerHour } from './prices.ts'

const file = (tiers: string, more = '') => `
currency: USD
asOf: 2026-11-01
gigabyte: 2^30
${more}
egress: { internet: { tiers: ${tiers} } }
`

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

describe('what a price list may say besides', () => {
  const list = (more: string) =>
    `{currency: USD, asOf: 2026-11-01, gigabyte: 1e9, egress: {internet: {tiers: [{perGB: 0.09}]}, crossZone: {perGB: 0.01}}, ${more}}`

  it('REQ-S3: nodes on demand, reserved at 40 % off or spot at 70 % off, or at shares of one’s own', () => {
    const perHour = (nodes: string) =>
      nodePerHour(loadPrices(list(`nodes: {perHour: 0.1${nodes}}`)))
    expect(perHour('')).toBe(0.1)
    expect(perHour(', variant: reserved')).toBe(0.06)
    expect(perHour(', variant: spot')).toBe(0.03)
    expect(perHour(', variant: spot, discounts: {spot: 0.65}')).toBe(0.035)
    expect(() => perHour(', variant: preemptible')).toThrow(
      /nodes.variant: must be one of on-demand, reserved, spot/,
    )
    expect(() => perHour(', discounts: {spot: 70}')).toThrow(/from 0 to 1, as 0.4 for 40 %/)
  })

  it('REQ-K5: another currency, at a rate that the file gives with its date', () => {
    const euros = loadPrices(list('convert: {to: EUR, rate: 0.92, asOf: 2026-10-31}'))
    expect(euros).toMatchObject({
      currency: 'EUR',
      converted: { from: 'USD', rate: 0.92, asOf: '2026-10-31' },
      egress: { internet: { tiers: [{ perGB: 0.0828 }] }, crossZone: { perGB: 0.0092 } },
    })
    expect(() => loadPrices(list('convert: {to: USD, rate: 1, asOf: 2026-10-31}'))).toThrow(
      /convert.to is USD, the currency of the list itself/,
    )
    expect(() => loadPrices(list('convert: {to: EUR, rate: 0.92}'))).toThrow(/convert.asOf/)
  })

  it('REQ-A3: a flat rate needs its price', () => {
    expect(() => loadPrices(list('meter: flat-rate'))).toThrow(
      'add flatRate: { perRelayedUserHour: 0.05 }',
    )
    expect(() => loadPrices(list('meter: bytes'))).toThrow(/meter: must be one of egress, aws/)
  })

  it('REQ-K5: several lists in one file, each with its region and its time', () => {
    const text = [
      list('name: old, validTo: 2026-11-10'),
      list('name: new, validFrom: 2026-11-10T00:00:00Z'),
      list('name: far, region: ap-south-1'),
    ].join('\n---\n')
    expect(loadPriceLists(`${text}\n---\n`)).toMatchObject([
      { name: 'old', validTo: Date.UTC(2026, 10, 10) },
      { name: 'new', validFrom: Date.UTC(2026, 10, 10) },
      { name: 'far', region: 'ap-south-1' },
    ])
    expect(() => loadPrices(text, 'mine.yaml')).toThrow(/mine.yaml: has several price lists/)
    expect(() => loadPriceLists(`${list('')}\n---\ncurrency: EUR`, 'mine.yaml')).toThrow(
      /^mine.yaml \(list 2\): asOf/,
    )
  })

  it('refuses times that no usage can be cut at', () => {
    expect(() => loadPrices(list('validFrom: 2026-11-10T10:30:00Z'))).toThrow(
      /validFrom: must be a full hour/,
    )
    expect(() => loadPrices(list('validFrom: soon'))).toThrow(/validFrom: must be a day/)
    expect(() => loadPrices(list('validFrom: 2026-11-10, validTo: 2026-11-01'))).toThrow(
      /validTo must be after validFrom/,
    )
  })
})
