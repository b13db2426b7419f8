import { describe, expect, it } from '@jest/globals'
import { infrastructurePrices, plan, presetPrices } from '@parley/relay-cost'
import fc from 'fast-check'
import { instanceTypes, mysqlTypes, redisTypes } from '../config/catalogue.ts'
import { type SynthesizedStack, synthesize } from '../synth.ts'
import { developmentConfig, exampleConfig } from '../testing/configs.ts'
import { costOf, type InfraCost, whatIfs } from './cost.ts'
import { costTable, linesTable, ofComponent, whatIfTable } from './render.ts'

const config = exampleConfig()
const stacks = synthesize(config)
const costFor = (users: number, more: object = {}) =>
  costOf({ config, stacks, users, relayShare: 0.2, ...more })

describe('what the infrastructure costs', () => {
  it('REQ-S3: stays below 0.50 a user and hour, for 200, 10,000 and 1,000,000 users', () => {
    for (const users of [200, 10_000, 1_000_000]) {
      const { perUserHour, perMonth, meetsS3 } = costFor(users)
      expect(perUserHour).toBeLessThan(0.5)
      expect(perUserHour).toBeCloseTo(perMonth / 730 / users, 5)
      expect(meetsS3).toBe(true)
    }
    expect(costFor(1).meetsS3).toBe(false)
  })

  it('is the sum of its lines, each of them what a stack has', () => {
    const cost = costFor(200)
    const sum = cost.lines.reduce((all, { quantity, perMonth }) => all + quantity * perMonth, 0)
    expect(sum).toBeCloseTo(cost.perMonth, 0)
    const line = (region: string, what: string, component?: string) =>
      cost.lines.find(
        (one) =>
          one.region === region &&
          one.what === what &&
          (component === undefined || one.component === component),
      )
    expect(line('us-east-1', 'gateways')).toMatchObject({ quantity: 3, perMonth: 0.045 * 730 })
    expect(line('us-east-1', 'EKS')).toMatchObject({ quantity: 1, perMonth: 73 })
    // Three c6i.2xlarge are four c6i.large of the price list each, 40 % off for a reservation.
    expect(line('us-east-1', 'c6i.2xlarge reserved')).toMatchObject({
      quantity: 3,
      perMonth: 148.92,
    })
    expect(line('us-east-1', 'public addresses', 'sfu nodes')).toMatchObject({ quantity: 3 })
    expect(line('us-east-1', 'c6i.large spot')?.perMonth).toBeCloseTo(0.085 * 0.3 * 730, 4)
    expect(line('us-east-1', 'db.m6g.large')).toMatchObject({ quantity: 2 })
    const egress = plan({
      ...{ concurrent: 200, relayShare: 0.2, media: { roomSize: 6 } },
      prices: ['aws/eu-central-1', 'aws/us-east-1'].map(presetPrices),
    }).cost.breakdown.egress
    expect(cost.lines.find(({ what }) => what.startsWith('media to users'))?.perMonth).toBeCloseTo(
      egress,
      5,
    )
  })

  it('has as many nodes as the load needs, and says where a pool is too small', () => {
    // Rooms of 6: 72 tracks each; 5,000 users a region are 834 rooms, 60,024 tracks; 8 cores carry 2,240.
    const { nodes, notes } = costFor(10_000)
    expect(nodes.sfu).toBe(2 * Math.ceil(60_012 / 2240))
    expect(notes).toContain(
      'us-east-1: 27 sfu nodes are needed in each cluster and sizes.sfu.max is 10: raise it',
    )
    expect(costFor(200)).toMatchObject({ nodes: { sfu: 6, turn: 4 }, notes: [] })
    const million = costFor(1_000_000)
    expect(million.clustersPerRegion).toBeGreaterThan(1)
    expect(million.notes[0]).toMatch(/1,000,000 users take \d+ clusters in each region/)
  })

  it('REQ-S3: reserved nodes cost 40 % less, spot ones 70 %, and the CDN is its own line', () => {
    const onlyNodes = (cost: InfraCost) =>
      cost.lines
        .filter(({ unit }) => unit === 'node')
        .filter(({ component }) => component.endsWith(' nodes'))
        .reduce((all, { quantity, perMonth }) => all + quantity * perMonth, 0)
    const variants = Object.fromEntries(
      whatIfs({ config, stacks, users: 200, relayShare: 0.2 }).map(({ name, cost }) => [
        name,
        cost,
      ]),
    )
    const nodesOf = (name: string) => onlyNodes(variants[name] as InfraCost)
    const onDemand = nodesOf('all nodes on demand')
    expect(nodesOf('all nodes reserved (−40 %)') / onDemand).toBeCloseTo(0.6, 4)
    expect(nodesOf('all nodes spot (−70 %, development)') / onDemand).toBeCloseTo(0.3, 4)
    const page = (name: string) => ofComponent(variants[name] as InfraCost, 'page')
    expect(page('the page without a CDN')).not.toBe(page('as configured'))
    const nat = (name: string) => ofComponent(variants[name] as InfraCost, 'NAT')
    expect(nat('one NAT gateway a region')).toBeLessThan(nat('as configured'))
  })

  it('never falls when there are more users, and names what makes no sense', () => {
    fc.assert(
      fc.property(
        ...[fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 20_000 })],
        (a, b) => {
          const [less, more] = [costFor(Math.min(a, b)), costFor(Math.max(a, b))]
          expect(more.perMonth).toBeGreaterThanOrEqual(less.perMonth)
        },
      ),
      { numRuns: 20 },
    )
    expect(() => costFor(0)).toThrow(/concurrent must be a number of 1 or more/)
    expect(() => costFor(10, { relayShare: 20 })).toThrow(/0.15 for 15 %/)
  })

  it('has a price for all that a file may ask for, and is free of nothing', () => {
    const { instances, mysql, redis } = infrastructurePrices(presetPrices('aws/us-east-1'))
    expect(Object.keys(instances).toSorted()).toEqual(Object.keys(instanceTypes).toSorted())
    expect(Object.keys(mysql).toSorted()).toEqual([...mysqlTypes].toSorted())
    expect(Object.keys(redis).toSorted()).toEqual([...redisTypes].toSorted())
    const unknown = structuredClone(stacks) as SynthesizedStack[]
    for (const { json } of unknown)
      for (const one of Object.values(json.resource?.aws_db_instance ?? {}))
        one.instance_class = 'db.x9.huge'
    expect(() => costOf({ config, stacks: unknown, users: 200, relayShare: 0.2 })).toThrow(
      /^db\.x9\.huge has no price; add it to relay-cost/,
    )
  })

  it('REQ-S3: a development region is the cheaper one', () => {
    const development = developmentConfig()
    const cost = costOf({ config: development, users: 20, relayShare: 0.2 })
    const fixed = (one: InfraCost) => one.perMonth - ofComponent(one, 'egress')
    expect(fixed(cost)).toBeLessThan(fixed(costFor(20)) / 4)
  })

  it('is shown as tables', () => {
    const cost = costFor(200)
    expect(costTable([cost, costFor(10_000)])).toMatch(/^a month +200 users +10,000 users\n/)
    expect(costTable([cost])).toContain('below 0.50 (S3)')
    expect(linesTable(cost).split('\n')).toHaveLength(cost.lines.length + 1)
    expect(whatIfTable(whatIfs({ config, stacks, users: 200, relayShare: 0.2 }))).toMatch(
      /all nodes on demand .* \+[\d,]+\n/,
    )
  })
})
