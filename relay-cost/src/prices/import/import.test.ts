import { describe, expect, it } from '@jest/globals'
import { loadPrices } from '../file.ts'
import { presets } from '../presets.ts'
import { pricesYaml } from '../yaml.ts'
import type { ImportRequest, JsonEntry } from './import.ts'
import { type ImportSource, priceImporter } from './index.ts'
import { awsFiles, azurePage, gcpPage } from './testing/files.ts'

/** Hands over the values of a document as a streaming parser would: those two or three levels down. */
function read(source: ImportSource, documents: unknown[], request: ImportRequest) {
  const importer = priceImporter(source, request)
  for (const document of documents)
    for (const path of importer.paths)
      for (const entry of valuesAt(document, path.split('.').slice(1), [])) importer.add(entry)
  return importer.result()
}

function valuesAt(value: unknown, steps: string[], path: JsonEntry['path']): JsonEntry[] {
  const [step, ...rest] = steps
  if (step === undefined) return [{ path, value }]
  const children = Object.entries(value as object).filter(([key]) => step === '*' || step === key)
  return children.flatMap(([key, child]) => valuesAt(child, rest, [...path, key]))
}

describe('AWS’s price list files', () => {
  const region = 'eu-central-1'

  it('REQ-K5: become a price list, each file what it has', () => {
    const { prices, notes } = read('aws', awsFiles(), { region })
    expect(prices).toMatchObject({
      name: 'aws/eu-central-1',
      region,
      currency: 'USD',
      asOf: '2026-10-02',
      meter: 'aws',
      gigabyte: 2 ** 30,
      egress: {
        internet: {
          tiers: [
            { upToGB: 10240, perGB: 0.09 },
            { upToGB: 51200, perGB: 0.085 },
            { upToGB: Number.POSITIVE_INFINITY, perGB: 0.07 },
          ],
        },
        crossZone: { perGB: 0.01 },
        interRegion: { perGB: 0.02 },
      },
      nodes: { type: 'c6i.large', perHour: 0.097, publicIPv4PerHour: 0.005 },
    })
    expect(notes).toEqual([
      'interRegion: 0.02 is what most of the file has; there is also 0.01, 0.147',
    ])
  })

  it('say what is missing, and in which file it is', () => {
    const [transfer] = awsFiles()
    expect(read('aws', [transfer], { region }).notes).toEqual([
      expect.stringContaining('there is also 0.01, 0.147'),
      'no price of c6i.large: 0 is taken; give the offer file AmazonEC2 too',
      'no price of a public IPv4 address: 0 is taken; give the offer file AmazonVPC too',
    ])
    expect(() => read('aws', awsFiles(), { region: 'eu-mars-1' })).toThrow(
      /no internet egress of region eu-mars-1 .*they have eu-central-1, us-east-1/,
    )
  })

  it('a tier that is missing at the beginning is refused', () => {
    const files = awsFiles({ firstTier: '1' })
    expect(() => read('aws', files, { region })).toThrow(/the first tier, from 0 GB, is missing/)
  })
})

describe('Google’s SKUs', () => {
  const region = 'europe-west3'

  it('REQ-K5: become a price list; a machine is its cores and its memory', () => {
    const { prices, notes } = read('gcp', [gcpPage()], { region })
    expect(prices).toMatchObject({
      name: 'gcp/europe-west3',
      asOf: '2026-09-01',
      networkTier: 'premium',
      egress: {
        internet: {
          tiers: [
            { upToGB: 1024, perGB: 0.12 },
            { upToGB: 10240, perGB: 0.11 },
            { upToGB: Number.POSITIVE_INFINITY, perGB: 0.08 },
          ],
        },
        crossZone: { perGB: 0.01 },
        interRegion: { perGB: 0.02 },
      },
      nodes: { type: 'n2-standard-2', perHour: 0.125, publicIPv4PerHour: 0.005 },
    })
    expect(notes).toEqual([
      'egress: the tiers of most destinations are taken (first 0.12); others begin at 0.19',
    ])
  })

  it('REQ-K5: the standard tier is another way out, at its own price', () => {
    const { prices } = read('gcp', [gcpPage()], { region, networkTier: 'standard' })
    expect(prices).toMatchObject({
      name: 'gcp/europe-west3-standard',
      networkTier: 'standard',
      egress: { internet: { tiers: [{ upToGB: 200, perGB: 0 }, { perGB: 0.085 }] } },
    })
  })

  it('name a region that is not in the file, and a machine that has no such price', () => {
    expect(() => read('gcp', [gcpPage()], { region: 'mars-west1' })).toThrow(
      /of region mars-west1 .*they have europe-west3/,
    )
    expect(() => priceImporter('gcp', { region, node: 'e2-medium' })).toThrow(
      /"e2-medium" is no machine type.*n2-standard-2/,
    )
  })
})

describe('Azure’s retail prices', () => {
  const region = 'westeurope'

  it('REQ-K5: become a price list, overlapping pages and all', () => {
    const { prices, notes } = read('azure', [azurePage(), azurePage()], { region })
    expect(prices).toMatchObject({
      name: 'azure/westeurope',
      asOf: '2026-08-01',
      meter: 'azure',
      egress: {
        internet: {
          tiers: [
            { upToGB: 100, perGB: 0 },
            { upToGB: 10335, perGB: 0.087 },
            { upToGB: Number.POSITIVE_INFINITY, perGB: 0.083 },
          ],
        },
        crossZone: { perGB: 0 },
        interRegion: { perGB: 0.02 },
      },
      nodes: { type: 'Standard_F2s_v2', perHour: 0.097, publicIPv4PerHour: 0.005 },
    })
    expect(notes).toEqual([])
  })

  it('REQ-K5: routing over the internet is another way out', () => {
    const { prices } = read('azure', [azurePage()], { region, networkTier: 'standard' })
    expect(prices.egress.internet.tiers.at(-1)?.perGB).toBe(0.08)
  })

  it('two currencies in the pages are refused, and a region that is not there', () => {
    expect(() => read('azure', [azurePage(), azurePage('EUR')], { region })).toThrow(
      /in USD and EUR; ask the API for one currencyCode/,
    )
    expect(() => read('azure', [azurePage()], { region: 'marsnorth' })).toThrow(
      /of region marsnorth .*they have westeurope/,
    )
  })
})

describe('a price list as a file', () => {
  it('REQ-K5: is read back as the same list, for every preset', () => {
    for (const prices of Object.values(presets))
      expect(loadPrices(pricesYaml(prices))).toEqual(prices)
  })

  it('keeps what is not usual', () => {
    const prices = loadPrices(
      pricesYaml({
        ...(presets['aws/us-east-1'] as (typeof presets)[string]),
        ...{ region: 'us-east-1', meter: 'flat-rate', gigabyte: 1e9, source: '' },
        ...{ validFrom: Date.UTC(2026, 10, 1), validTo: Date.UTC(2026, 10, 2, 5) },
        flatRate: { perRelayedUserHour: 0.05 },
        nodes: {
          ...{ type: 'mine', perHour: 1, publicIPv4PerHour: 0, variant: 'spot' },
          discounts: { reserved: 0.2, spot: 0.6 },
        },
      }),
    )
    expect(loadPrices(pricesYaml(prices))).toEqual(prices)
    expect(prices).toMatchObject({
      ...{ meter: 'flat-rate', validTo: Date.UTC(2026, 10, 2, 5) },
      nodes: { variant: 'spot', discounts: { reserved: 0.2, spot: 0.6 } },
    })
  })
})
