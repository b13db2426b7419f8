import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { loadPrices } from '../prices/file.ts'
import { presetPrices } from '../prices/presets.ts'
import { capacityFigures } from './figures.ts'
import { plan } from './plan.ts'
import { renderPlan } from './render.ts'

const prices = [presetPrices('aws/eu-central-1')]
const round = loadPrices(
  '{currency: USD, asOf: 2026-11-01, gigabyte: 1e9, egress: {internet: {tiers: [{perGB: 0.1}]}}, nodes: {type: two, perHour: 0.1, publicIPv4PerHour: 0.01}, packetOverheadBytes: 0}',
)
/** Figures that a reader can reckon with, whatever is measured next. */
const capacity = {
  turnPacketsPerCore: 10_000,
  turnMbpsPerPod: 400,
  relayPortsPerPod: 16_384,
  sfuTracksPerCore: 400,
  socketsPerCore: 1_000,
  nodesPerRegion: 1_000,
}
const usual = { roomSize: 6, audioKbps: 40, videoKbps: 440, screenKbps: 0 }

describe('plan', () => {
  it('REQ-S3: pods, nodes and money come of the figures, step by step', () => {
    const result = plan({
      ...{ concurrent: 12_000, relayShare: 0.1, prices: [round], capacity },
      media: usual,
    })
    // A stream has 50 packets of audio and 440,000 / 8 / 1100 = 50 of video a second; 480 kbit/s.
    // To the SFU one goes up and five come down: 600 packets and 2,880 kbit/s.
    expect(result).toMatchObject({
      ...{ topology: 'sfu', rooms: 2000, relayedUsers: 1200 },
      turn: {
        ...{ packetsPerSecond: 720_000, mbps: 3456, allocations: 2400 },
        // 720,000 / (2 × 10,000 × 0.7) = 51.4; by bandwidth 8.6.
        ...{ pods: 52, nodes: 52, boundBy: 'packets' },
      },
      // Rooms of 6: 12 tracks in, 60 out. 144,000 / (4 × 400 × 0.7) = 128.6
      sfu: { tracks: 144_000, pods: 129, nodes: 129, boundBy: 'tracks' },
      // 12,000 / (1,000 × 0.7) = 17.1, two to a node.
      signaling: { sockets: 12_000, pods: 18, nodes: 9 },
      nodes: 190,
      regions: [{ users: 12_000, nodes: 190 }],
    })
    // All that users get leaves the SFU: 12,000 × 5 × 480 kbit/s.
    const egress = ((12_000 * 5 * 480_000) / 8 / 1e9) * 3600 * 730 * 0.1
    const nodes = (52 + 129 * 2 + 9) * 0.1 * 730
    const addresses = (52 + 129) * 0.01 * 730
    expect(result.cost.breakdown).toEqual({ egress, nodes, addresses })
    expect(result.cost.perMonth).toBeCloseTo(egress + nodes + addresses, 6)
    expect(result.cost.perUserHour).toBeCloseTo(result.cost.perMonth / 730 / 12_000, 6)
    expect(result.cost.perUserHour).toBeLessThan(0.5)
  })

  it('small rooms are meshes: no SFU, and only relayed media leave', () => {
    const mesh = plan({
      ...{ concurrent: 300, relayShare: 0.5, prices: [round], capacity },
      media: { ...usual, roomSize: 3 },
    })
    expect(mesh).toMatchObject({
      ...{ topology: 'mesh', sfu: { pods: 0, tracks: 0, boundBy: 'nothing' } },
      turn: { allocations: 300, packetsPerSecond: 150 * 400 },
    })
    const direct = plan({ concurrent: 300, relayShare: 0, prices: [round], media: { roomSize: 3 } })
    expect(direct.turn).toMatchObject({ pods: 0, nodes: 0, boundBy: 'nothing' })
    expect(direct.cost.breakdown.egress).toBe(0)
  })

  it('each bound can decide', () => {
    const boundBy = (changed: Partial<typeof capacity>) =>
      plan({
        ...{ concurrent: 100_000, relayShare: 0.5, prices, media: usual },
        capacity: { ...capacity, turnPacketsPerCore: 1e9, ...changed },
      }).turn.boundBy
    expect(boundBy({ turnPacketsPerCore: 100 })).toBe('packets')
    expect(boundBy({ turnMbpsPerPod: 1 })).toBe('bandwidth')
    expect(boundBy({ relayPortsPerPod: 100 })).toBe('relay ports')
  })

  it('millions of users are many clusters, in the regions that are named', () => {
    const lists = ['aws/us-east-1', 'aws/eu-central-1', 'aws/ap-south-1'].map(presetPrices)
    const result = plan({ concurrent: 5e6, relayShare: 0.1, media: usual, prices: lists, capacity })
    expect(result.regions.length % 3).toBe(0)
    for (const { nodes } of result.regions) expect(nodes).toBeLessThanOrEqual(1000)
    expect(result.regions.reduce((sum, { perMonth }) => sum + perMonth, 0)).toBeCloseTo(
      result.cost.perMonth,
      2,
    )
  })

  it('more users never want less, and no part and no cluster is over its figure', () => {
    const users = fc.integer({ min: 1, max: 3_000_000 })
    const shareOf = fc.double({ min: 0, max: 1, noNaN: true })
    const sizeOf = fc.integer({ min: 2, max: 40 })
    // As full as is planned; 0.7 is no binary fraction.
    const filled = (capacity: number) => (capacity * 7) / 10
    fc.assert(
      fc.property(users, users, shareOf, sizeOf, (a, b, relayShare, roomSize) => {
        const of = (concurrent: number) =>
          plan({ concurrent, relayShare, prices, capacity, media: { ...usual, roomSize } })
        const [less, more] = [of(Math.min(a, b)), of(Math.max(a, b))]
        // Each cluster rounds its three parts up: with another cluster there is less in each to round.
        const rounding = more.regions.length === less.regions.length ? 0 : 3 * less.regions.length
        expect(more.nodes).toBeGreaterThanOrEqual(less.nodes - rounding)
        if (rounding === 0) expect(more.cost.perMonth).toBeGreaterThanOrEqual(less.cost.perMonth)
        expect(more.nodes).toBeLessThanOrEqual(more.regions.length * capacity.nodesPerRegion)
        const { turn, sfu, signaling } = more
        expect(turn.packetsPerSecond).toBeLessThanOrEqual(filled(turn.pods * 2 * 10_000))
        expect(turn.allocations).toBeLessThanOrEqual(turn.pods * 16_384)
        expect(sfu.tracks).toBeLessThanOrEqual(filled(sfu.pods * 4 * 400))
        expect(signaling.sockets).toBeLessThanOrEqual(filled(signaling.pods * 1_000))
      }),
    )
  })

  it('reserved and spot nodes are cheaper by their discount', () => {
    const nodes = (variant: 'on-demand' | 'reserved' | 'spot') =>
      plan({ concurrent: 10_000, relayShare: 0.2, prices, variant }).cost.breakdown.nodes
    expect(nodes('reserved') / nodes('on-demand')).toBeCloseTo(0.6, 6)
    expect(nodes('spot') / nodes('on-demand')).toBeCloseTo(0.3, 6)
  })

  it('refuses what makes no sense, with the fix', () => {
    const request = { concurrent: 100, relayShare: 0.1, prices }
    expect(() => plan({ ...request, concurrent: 0 })).toThrow(/concurrent must be a number of 1/)
    expect(() => plan({ ...request, relayShare: 15 })).toThrow(/0.15 for 15 %/)
    expect(() => plan({ ...request, prices: [] })).toThrow(/name a price list/)
    expect(() => plan({ ...request, prices: [presetPrices('twilio/us1')] })).toThrow(
      /twilio\/us1 has no price of nodes/,
    )
    expect(() => plan({ ...request, prices: [...prices, { ...round, currency: 'EUR' }] })).toThrow(
      /in USD and .* in EUR; take lists of one currency/,
    )
    expect(() => plan({ ...request, capacity: { sfuTracksPerCore: 0 } })).toThrow(/above 0/)
    expect(() => plan({ ...request, capacity: { turnPacketsPerCore: 1e-300 } })).toThrow(
      /more than 10,000 clusters: check concurrent/,
    )
    expect(() => plan({ ...request, media: { roomSize: 1e9 } })).toThrow(/from 2 to 10,000/)
    expect(() => plan({ ...request, media: { videoKbps: 1e300 } })).toThrow(/from 0 to 1,000,000/)
  })

  it('every figure has its source and its day, and the table shows them within 80 columns', () => {
    for (const { source, asOf, measured } of Object.values(capacityFigures)) {
      expect(asOf).toMatch(/^\d{4}-\d\d-\d\d$/)
      if (measured) expect(source).toContain('npm run bench')
      expect(source.length).toBeGreaterThan(10)
    }
    fc.assert(
      fc.property(
        ...[fc.integer({ min: 1, max: 1e7 }), fc.integer({ min: 2, max: 50 })],
        (concurrent, roomSize) => {
          const result = plan({ concurrent, relayShare: 0.15, prices, media: { roomSize } })
          const table = renderPlan(result, 'table')
          for (const line of table.split('\n')) expect([...line].length).toBeLessThanOrEqual(80)
          expect(JSON.parse(renderPlan(result, 'json'))).toEqual(result)
        },
      ),
      { numRuns: 30 },
    )
    const given = plan({ concurrent: 10, relayShare: 0.1, prices, capacity })
    expect(given.figures[0]).toMatchObject({ value: 10_000, source: 'given' })
  })
})
