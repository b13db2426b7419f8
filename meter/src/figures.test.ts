import { describe, expect, it } from '@jest/globals'
import { noTraffic, presetPrices } from '@parley/relay-cost'
import { Accounting } from './accounting.ts'
import { CostFigures } from './figures.ts'
import { type PricesOf, reportFrom } from './report.ts'
import { openStore } from './store/open.ts'
import { usageOf } from './store/testing/usage.ts'

const october = Date.UTC(2026, 9, 31, 23)
const november = Date.UTC(2026, 10, 1, 0)
const prices = { ...presetPrices('aws/us-east-1'), gigabyte: 1e9, packetOverheadBytes: 0 }

const pricesOf = () => () => ({ prices, until: Number.POSITIVE_INFINITY })

const relayed = (id: string, at: number, gigabytes: number) => ({
  ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id, remote: 'c:1' },
  ...{
    transport: 'udp' as const,
    openedAt: at,
    lastSeenAt: at,
    aliveAt: at,
    expiresAt: at,
    closedAt: at,
  },
  hours: new Map([[at, { ...noTraffic(), turnToClientBytes: gigabytes * 1e9 }]]),
})

describe('cost figures', () => {
  it('REQ-K6: month to date begins anew with the month, the counter goes on', async () => {
    const store = await openStore('sqlite::memory:')
    const figures = new CostFigures(usageOf(store), pricesOf, 'USD')
    const accounting = new Accounting(store, usageOf(store))
    await store.merge([relayed('1', october, 10)])
    await figures.refresh(october + 1)
    expect(figures.summary(accounting, {}, october + 1).monthToDate).toBeCloseTo(0.9, 6)
    await store.merge([relayed('2', november, 1)])
    await figures.refresh(november + 60_000)
    expect(figures.summary(accounting, {}, november).monthToDate).toBeCloseTo(0.09, 6)
    expect(figures.costEver).toBeCloseTo(0.99, 6)
  })

  it('REQ-K5: a month of which only days are left costs as much as its report says, where prices change within a day', async () => {
    const store = await openStore('sqlite::memory:')
    const usage = usageOf(store)
    const day = 86_400_000
    const from = Date.UTC(2026, 8, 1)
    for (let hour = 0; hour < 72; hour++)
      await store.merge([relayed(String(hour), from + hour * 3_600_000, 1)])
    const now = november + 8 * day
    await usage.rollUp(now)
    const change = from + 1.5 * day
    const costly = { ...prices, nodes: { ...prices.nodes, perHour: 1 } }
    const changing: PricesOf = () => (at) =>
      at < change ? { prices, until: change } : { prices: costly, until: Number.POSITIVE_INFINITY }
    const costEver = async () => {
      const figures = new CostFigures(usage, changing, 'USD')
      await figures.refresh(now)
      return figures.costEver
    }
    const before = await costEver()
    expect(before).toBeGreaterThan(0)
    await usage.forget({ allocationDays: 1, hourDays: 1 }, now)
    expect(await costEver()).toBe(before)
    const report = await reportFrom([{ usage, pricesOf: changing }], {
      ...{ window: { from, to: from + 30 * day }, by: [], asOf: now, open: 0 },
    })
    expect(report.totals.cost.total).toBe(before)
  })

  it('REQ-K6: cost per hour is what the last minutes cost, and falls to 0 when it is quiet', async () => {
    const store = await openStore('sqlite::memory:')
    const figures = new CostFigures(usageOf(store), pricesOf, 'USD')
    const accounting = new Accounting(store, usageOf(store))
    const costPerHour = () => figures.summary(accounting, {}, 0).costPerHour
    await figures.refresh(november)
    expect(costPerHour()).toBe(0)
    await store.merge([relayed('1', november, 1)])
    await figures.refresh(november + 120_000)
    expect(costPerHour()).toBeCloseTo(0.09 * 30, 6)
    await figures.refresh(november + 400_000)
    await figures.refresh(november + 800_000)
    expect(costPerHour()).toBe(0)
  })

  it('REQ-K5: the forecast goes on at the pace of the last days, and changes with the hour', async () => {
    const day = 86_400_000
    const store = await openStore('sqlite::memory:')
    const figures = new CostFigures(usageOf(store), pricesOf, 'USD')
    // 10 GB a day cost 0.90; the first of them was in October.
    for (let at = 0; at < 9; at++)
      await store.merge([relayed(String(at), november - 3_600_000 + at * day, 10)])
    const now = november + 8 * day
    await figures.refresh(now)
    expect(figures.monthToDate).toBeCloseTo(8 * 0.9, 6)
    expect(figures.forecast).toBeCloseTo(30 * 0.9, 6)
    await store.merge([relayed('more', now, 100)])
    await figures.refresh(now + 60_000)
    expect(figures.monthToDate).toBeCloseTo(8 * 0.9 + 9, 6)
    expect(figures.forecast).toBeCloseTo(30 * 0.9, 6)
    await figures.refresh(now + 3_600_000)
    expect(figures.forecast).toBeGreaterThan(30 * 0.9 + 9)
  })
})
