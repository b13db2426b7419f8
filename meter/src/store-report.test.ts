import { describe, expect, it } from '@jest/globals'
import { noTraffic, presetPrices, pricesOver } from '@parley/relay-cost'
import { openStore } from './store/open.ts'
import { start } from './store/testing/suite.ts'
import { storeReport } from './store-report.ts'

const relayed = (id: string) => ({
  ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id, remote: 'c:1' },
  ...{ transport: 'udp' as const, openedAt: start, lastSeenAt: start, aliveAt: start },
  ...{ expiresAt: start, closedAt: start },
  hours: new Map([[start, { ...noTraffic(), turnToClientBytes: 10e9 }]]),
})

describe('the report of a database that meters of several regions share', () => {
  it('REQ-K5: prices each region by its own list; one list for all is gone through once', async () => {
    const stores = await Promise.all([openStore('sqlite::memory:'), openStore('sqlite::memory:')])
    for (const [index, region] of ['eu', 'us'].entries()) {
      const store = stores[index]
      await store?.merge([relayed('1')])
      await (await store?.books())?.[0]?.setRegion(region)
    }
    const [one] = stores
    const shared = {
      ...one,
      books: async () => (await Promise.all(stores.map((store) => store.books()))).flat(),
    } as (typeof stores)[0]
    const preset = presetPrices('aws/eu-central-1')
    const list = (name: string, region: string | undefined, perGB: number) => ({
      ...{ ...preset, name, gigabyte: 1e9, packetOverheadBytes: 0 },
      ...(region && { region }),
      egress: {
        ...preset.egress,
        internet: {
          priorUsageGB: 0,
          tiers: [
            { upToGB: 10, perGB },
            { upToGB: Number.POSITIVE_INFINITY, perGB: 2 * perGB },
          ],
        },
      },
    })
    const report = (lists: ReturnType<typeof list>[]) =>
      storeReport(shared, {
        ...{ window: { from: start, to: start + 3_600_000 }, by: ['region'] as const },
        asOf: start + 7_200_000,
        pricesOf: (window, region) => pricesOver(lists, window, region || undefined),
      })
    const of = async (lists: ReturnType<typeof list>[]) =>
      (await report(lists)).rows.map(({ key, cost }) => [key.region, cost.egress])
    expect(await of([list('e', 'eu', 1), list('u', 'us', 3)])).toEqual([
      ['us', 30],
      ['eu', 10],
    ])
    // 10 GB at 1 and 10 GB at 2, whoever had them.
    expect(await of([list('all', undefined, 1)])).toEqual([
      ['eu', 15],
      ['us', 15],
    ])
    expect((await report([list('e', 'eu', 1), list('u', 'us', 3)])).prices.name).toBe('e, u')
    for (const store of stores) await store.close()
  })
})
