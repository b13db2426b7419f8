import { describe, expect, it } from '@jest/globals'
import { presetPrices, presets } from './presets.ts'

const all = Object.entries(presets)
const ofProvider = (provider: string) => all.filter(([name]) => name.startsWith(`${provider}/`))

describe('presets', () => {
  it('REQ-K5: all carry a date and a source with its address, and price every byte', () => {
    for (const [name, prices] of all) {
      expect(prices).toMatchObject({ name, asOf: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) })
      expect(prices.source).toMatch(/^https:\/\/\S+ \(.*(checked|approximate)/)
      expect(prices.egress.internet.tiers.at(-1)?.upToGB).toBe(Number.POSITIVE_INFINITY)
      const bounds = prices.egress.internet.tiers.map(({ upToGB }) => upToGB)
      expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b))
    }
  })

  it('REQ-K5: nine regions or more of each of three clouds, with nodes and addresses', () => {
    for (const cloud of ['aws', 'gcp', 'azure']) {
      const regions = new Set(ofProvider(cloud).map(([name]) => name.replace(/-standard$/, '')))
      expect(regions.size).toBeGreaterThanOrEqual(9)
      for (const [, { nodes, meter, gigabyte }] of ofProvider(cloud)) {
        expect(meter).toBe(cloud)
        expect(gigabyte).toBe(2 ** 30)
        expect(nodes.type).not.toBe('')
        expect(nodes.perHour).toBeGreaterThan(0)
        expect(nodes.publicIPv4PerHour).toBeGreaterThan(0)
      }
    }
    expect(presets).toHaveProperty('cloudflare/global')
    expect(presets).toHaveProperty('twilio/us1')
  })

  it('what is approximate says so in its source', () => {
    for (const [, { approximate, source }] of all)
      if (approximate) expect(source).toContain('approximate')
  })

  it('an unknown one is refused with the list of those there are', () => {
    expect(() => presetPrices('aws/mars')).toThrow(/no price preset "aws\/mars".*aws\/us-east-1/)
    expect(() => presetPrices('aws/mars')).not.toThrow(/gcp/)
    expect(() => presetPrices('constructor')).toThrow(/no price preset.*gcp/)
  })
})
