import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { LinkRecord } from '@parley/protocol'
import { dayMs, hourMs, noTraffic, presetPrices } from '@parley/relay-cost'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { storeReport } from './store-report.ts'

const today = Date.UTC(2026, 10, 21)
const window = { from: today, to: today + dayMs }
const prices = { ...presetPrices('aws/eu-central-1'), gigabyte: 1e9, packetOverheadBytes: 0 }
const until = Number.POSITIVE_INFINITY

const relayed = (who: string, at: number, gigabytes: number, hours = 1) => ({
  ...{ realm: 'pod-a.demo', username: `4000000000:${who}`, id: `${at}`, remote: 'c:1' },
  transport: 'udp' as const,
  ...{ openedAt: at, lastSeenAt: at + hours * hourMs, aliveAt: at },
  ...{ expiresAt: at + hours * hourMs, closedAt: at + hours * hourMs },
  hours: new Map([[at, { ...noTraffic(), turnToClientBytes: gigabytes * 1e9 }]]),
})

const linked = (participant: string, peer: string, hours: number): LinkRecord => ({
  ...{ tenant: 'acme', room: 'big', participant, startedAt: today, at: today + hours * hourMs },
  report: {
    ...{ link: 0, peer, policy: 'all', errors: [], mappingVaries: false, failedPairs: 0 },
    ...{ gathered: { host: true, srflx: true, relay: true }, ended: true },
    ...{ answered: { udp: true, tcp: false, tls: false } },
    selected: { local: 'relay', remote: 'relay' },
  },
})

describe('advice from the store', () => {
  let store: Store
  beforeEach(async () => {
    store = await openStore('sqlite::memory:')
  })
  afterEach(() => store.close())

  const report = (advice: boolean) =>
    storeReport(store, {
      ...{ window, by: ['room'], asOf: window.to, advice, region: 'eu-central-1' },
      pricesOf: () => () => ({ prices, until }),
    })

  it('REQ-K5: tenants that moved against the day before, only where it is asked for', async () => {
    await store.merge([
      relayed('acme.a.p-1', today - dayMs, 10),
      relayed('acme.a.p-1', today, 50),
      relayed('calm.b.p-2', today - dayMs, 20),
      relayed('calm.b.p-2', today, 20),
    ])
    expect(await report(false)).not.toHaveProperty('advice')
    const { advice } = await report(true)
    expect(advice).toEqual([
      expect.objectContaining({
        kind: 'tenant-moved',
        subject: 'acme',
        arithmetic: '4.5000 USD now − 0.9000 USD before = +3.6000 USD (+400 %)',
      }),
    ])
  })

  it('REQ-K8: a relayed mesh that the SFU would serve with smaller streams', async () => {
    // 10 relayed hours of 20 GB are 4444 kbit/s a stream.
    await store.merge([
      relayed('acme.big.p-1', today, 200, 10),
      relayed('acme.big.p-2', today + 1, 200, 10),
      ...[relayed('acme.big.p-1', today - dayMs, 200), relayed('acme.big.p-2', today - dayMs, 200)],
    ])
    const [book] = await store.books()
    await book?.links.merge([linked('p-1', 'p-2', 10), linked('p-2', 'p-1', 10)])
    const { advice } = await report(true)
    expect(advice).toEqual([
      expect.objectContaining({
        ...{ kind: 'mesh-to-sfu', subject: 'acme/big' },
        arithmetic: expect.stringMatching(/SFU 20\.0 h of streams × 490 kbit\/s \(mesh: \d+\)/),
      }),
    ])
  })

  it('REQ-K5: an empty store has nothing to advise', async () => {
    expect((await report(true)).advice).toEqual([])
  })
})
