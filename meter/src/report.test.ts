import { describe, expect, it } from '@jest/globals'
import {
  type AllocationRecord,
  dayMs,
  hourMs,
  noTraffic,
  type Prices,
  type PricesAt,
  PricesError,
  presetPrices,
} from '@parley/relay-cost'
import { type PricesOf, reportFrom } from './report.ts'
import { openStore } from './store/open.ts'
import { usageOf } from './store/testing/usage.ts'

const month = Date.UTC(2026, 0)
const now = month + 40 * dayMs
const perGB = (price: number): Prices => ({
  ...presetPrices('aws/eu-central-1'),
  ...{ name: `at ${price}`, packetOverheadBytes: 0, gigabyte: 1e9 },
  egress: {
    ...presetPrices('aws/eu-central-1').egress,
    internet: {
      priorUsageGB: 0,
      tiers: [
        { upToGB: 10, perGB: 0 },
        { upToGB: Number.POSITIVE_INFINITY, perGB: price },
      ],
    },
  },
})

/** A gigabyte to a client in each hour of three days. */
async function threeDays() {
  const store = await openStore('sqlite::memory:')
  const records = Array.from({ length: 72 }, (_, index): AllocationRecord => {
    const at = month + index * hourMs
    return {
      ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id: String(index) },
      ...{ remote: 'c:1', transport: 'udp', openedAt: at, lastSeenAt: at + 1, aliveAt: at },
      ...{ expiresAt: at + 1, closedAt: at + 1 },
      hours: new Map([[at, { ...noTraffic(), turnToClientBytes: 1e9, turnToClientPackets: 1 }]]),
    }
  })
  await store.merge(records)
  const usage = usageOf(store)
  await usage.rollUp(now)
  return usage
}

describe('a report of which only days are left', () => {
  // A new price in the middle of the second day.
  const change = month + 36 * hourMs
  const pricesAt: PricesAt = (at) =>
    at < change
      ? { prices: perGB(1), until: change }
      : { prices: perGB(2), until: Number.POSITIVE_INFINITY }
  const ask = (
    usage: Awaited<ReturnType<typeof threeDays>>,
    from: number,
    to: number,
    pricesOf: PricesOf = () => pricesAt,
  ) =>
    reportFrom([{ usage, pricesOf }], {
      window: { from: month + from * hourMs, to: month + to * hourMs },
      ...{ by: ['room'], asOf: now, open: 0 },
    })

  it('REQ-K5: a price that changes within a day counts the day once, at what it cost in the morning', async () => {
    const usage = await threeDays()
    const before = await ask(usage, 0, 72)
    expect(before.totals.bytes.turnToClient).toBe(72e9)
    // 10 GB are free, 26 cost 1 and 36 cost 2.
    expect(before.totals.cost.total).toBe(26 + 72)

    await usage.forget({ allocationDays: 1, hourDays: 1 }, now)
    const after = await ask(usage, 0, 72)
    expect([after.totals.bytes.turnToClient, after.totals.allocations]).toEqual([72e9, 72])
    expect(after.totals.cost.total).toBe(38 + 48)
    expect(after.notes).toContain(
      'Of what is before 2026-02-09 days are kept alone; they are counted as a whole.',
    )
  })

  it('REQ-K5: what the month used before is counted by the prices of then, and parts add up to the whole', async () => {
    const usage = await threeDays()
    // Headers count at first, as much as what they are of, and no more from six o'clock on.
    const six = month + 6 * hourMs
    const headers = { ...perGB(2), packetOverheadBytes: 1e9 }
    const pricesOf: PricesOf = () => (at) =>
      at < six
        ? { prices: headers, until: six }
        : { prices: perGB(2), until: Number.POSITIVE_INFINITY }
    const cost = async (from: number, to: number, prices = pricesOf) =>
      (await ask(usage, from, to, prices)).totals.cost.total
    // 10 GB are free: 5 hours with headers.
    expect([await cost(4, 6), await cost(6, 8), await cost(4, 8)]).toEqual([4, 4, 8])

    // Where nobody knows the prices of then, those of the window have to do.
    const late: PricesOf = ({ from, to }) => {
      if (from < six) throw new PricesError('PRICES_MISSING', 'none')
      return pricesOf({ from, to })
    }
    expect(await cost(6, 12, late)).toBe(4)
  })

  it('REQ-K5: a window that begins within a day has all of the day, and none of it was used before', async () => {
    const usage = await threeDays()
    await usage.forget({ allocationDays: 1, hourDays: 1 }, now)
    const { totals } = await ask(usage, 30, 60)
    expect([totals.bytes.turnToClient, totals.allocations]).toEqual([48e9, 48])
    // The first day has used up what is free.
    expect(totals.cost.total).toBe(24 + 48)
  })
})
