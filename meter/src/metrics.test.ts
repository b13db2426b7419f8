import { describe, expect, it } from '@jest/globals'
import { relayMetrics } from '@parley/protocol'
import { hourMs, noTraffic, parseStatsdb, presetPrices } from '@parley/relay-cost'
import { Accounting } from './accounting.ts'
import { CostFigures } from './figures.ts'
import { relayRegistry } from './metrics.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { usageOf } from './store/testing/usage.ts'

const start = Date.UTC(2026, 10, 21)
const prices = {
  ...presetPrices('aws/us-east-1'),
  ...{ gigabyte: 1e9, packetOverheadBytes: 0 },
}

function eventOf(topic: string, message: string, username: string) {
  const channel = `turn/realm/pod-a.demo/user/${username}/allocation/1/${topic}`
  const event = parseStatsdb({ t: start, channel, message })
  if ('rejected' in event) throw new Error(event.rejected)
  return event
}

const opened = 'new lifetime=600, type=UDP, local=a:1, remote=c:1, ssl=NONE, cipher=NONE'

/** A meter whose store is away until it is said to be there, and says that two hours came too late. */
function meter() {
  const books = openStore('sqlite::memory:')
  let away = true
  return {
    back() {
      away = false
    },
    async made() {
      const store = await books
      const flaky: Store = {
        ...store,
        async merge(records) {
          if (away) throw new Error('away')
          await store.merge(records)
          return { lateHours: 2 }
        },
      }
      const usage = usageOf(store)
      const pricesOf = () => () => ({ prices, until: Number.POSITIVE_INFINITY })
      const figures = new CostFigures(usage, pricesOf, 'USD')
      const accounting = new Accounting(flaky, usage, 2)
      const place = { namespace: 'meetings', cluster: 'demo', region: 'us-east-1' }
      const troubles = () => ({})
      const registry = relayRegistry(
        ...([accounting, figures, place, troubles, () => 4, () => start] as const),
      )
      const scraped = async (name: string) => {
        const line = (await registry.metrics())
          .split('\n')
          .find((each) => each.startsWith(`${name}{`))
        return line?.replace(
          'namespace="meetings",cluster="demo",region="us-east-1"',
          'the labels of all',
        )
      }
      /** Names and labels. */
      const series = async () =>
        (await registry.metrics())
          .split('\n')
          .filter((line) => line && !line.startsWith('#'))
          .map((line) => line.replace(/ \S+$/, ''))
      return { store, accounting, figures, scraped, series }
    },
  }
}

describe('the metrics of the meter', () => {
  it('REQ-K5: what is not in reports is scraped by its number: dropped, late, past 2^53, of nobody, unheard', async () => {
    const { back, made } = meter()
    const { accounting, scraped } = await made()
    expect(await scraped('parley_relay_unattributed_bytes_total')).toBeUndefined()
    await accounting.resume(start)
    for (const n of [1, 2, 3, 4, 5]) {
      const username = `4000000000:acme.r1.p-${n}`
      accounting.count(eventOf('status', opened, username))
      accounting.count(eventOf('status', 'deleted', username))
    }
    const counter = (bytes: number) => `rcvp=1, rcvb=${bytes}, sentp=0, sentb=0`
    accounting.count(eventOf('traffic', counter(7), 'mallory'))
    accounting.count(eventOf('traffic', counter(Number.MAX_SAFE_INTEGER), 'mallory'))
    back()
    await accounting.flush(start)
    for (const [name, value] of [
      ['parley_meter_dropped_allocations_total', 4],
      ['parley_meter_late_hours_total', 2],
      ['parley_meter_overflows_total', 1],
      ['parley_meter_gaps_total', 4],
      ['parley_relay_unattributed_bytes_total', 7],
    ] as const)
      expect(await scraped(name)).toBe(`${name}{the labels of all} ${value}`)
  })

  it('REQ-A5: series are the same however many people come, with the labels of the catalogue alone', async () => {
    const { accounting, figures, series } = await meter().made()
    await accounting.resume(start)
    await figures.refresh(start)
    const before = await series()
    expect(before.length).toBeGreaterThan(10)
    for (let n = 0; n < 100; n++) {
      const username = n % 2 ? `4000000000:tenant-${n}.room-${n}.p-${n}` : `mallory-${n}`
      accounting.count(eventOf('status', opened, username))
      accounting.count(eventOf('traffic', 'rcvp=1, rcvb=7, sentp=1, sentb=9', username))
    }
    await figures.refresh(start + 60_000)
    expect(await series()).toEqual(before)
    for (const one of before) {
      const { labels = ['not in the catalogue'] } =
        Object.values(relayMetrics).find(({ name }) => one.startsWith(`${name}{`)) ?? {}
      const named = [...one.matchAll(/(\w+)="/g)].map(([, label]) => label)
      expect({ one, named: named.toSorted() }).toEqual({ one, named: labels.toSorted() })
    }
  })

  it('REQ-K6: the cost is scraped once it is known, with its currency', async () => {
    const { store, figures, scraped } = await meter().made()
    expect(await scraped('parley_relay_cost_total')).toBeUndefined()
    const at = start - hourMs
    await store.merge([
      {
        ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id: '1', remote: 'c:1' },
        ...{ transport: 'udp', openedAt: at, lastSeenAt: at, aliveAt: at, expiresAt: at },
        ...{ closedAt: at, hours: new Map([[at, { ...noTraffic(), turnToClientBytes: 10e9 }]]) },
      },
    ])
    await figures.refresh(start)
    expect(await scraped('parley_relay_cost_total')).toBe(
      'parley_relay_cost_total{the labels of all,currency="USD"} 0.9',
    )
  })
})
