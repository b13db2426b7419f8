import { describe, expect, it, jest } from '@jest/globals'
import { hourMs, noTraffic } from '@parley/relay-cost'
import { openStore } from '../store/open.ts'
import { start } from '../store/testing/suite.ts'
import { Usage } from '../usage.ts'
import { linkFacts } from './facts.ts'
import { entriesOf } from './feed.ts'
import { linksSuite, reported } from './testing/suite.ts'

jest.setTimeout(30_000)

describe('reports of links in SQLite', () => {
  linksSuite(() => () => openStore('sqlite::memory:'))
})

describe('why somebody was relayed', () => {
  const allocation = {
    ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id: '1', remote: 'c:1' },
    ...{ transport: 'tcp' as const, openedAt: start, lastSeenAt: start + 1000 },
    ...{ aliveAt: start, expiresAt: start + 600_000, closedAt: start + 1000 },
    hours: new Map([[start, { ...noTraffic(), turnToClientBytes: 7 }]]),
  }
  const window = { from: start, to: start + hourMs }

  it('REQ-K5: is in the sums, also of an hour that was rolled up before the report came', async () => {
    const store = await openStore('sqlite::memory:')
    const now = start + 3 * hourMs
    const usage = new Usage(store, async (hours, records, book) => ({
      region: 'eu',
      ...(await linkFacts(book, hours, records, now)),
    }))
    const reasons = async () =>
      (await usage.sums(window, ['reason'], now)).map(({ reason, turnToClientBytes }) => [
        reason,
        turnToClientBytes,
      ])
    await store.merge([allocation])
    await usage.rollUp(now)
    expect(await reasons()).toEqual([['unknown', 7]])
    await (await store.books())[0]?.links.merge([reported()])
    expect(await reasons()).toEqual([['udp-blocked', 7]])
    await usage.rollUp(now)
    expect(await reasons()).toEqual([['udp-blocked', 7]])
    await store.close()
  })
})

describe('what the stream holds', () => {
  const record = JSON.stringify(reported())

  it('REQ-K5: is read, and what is not understood is counted', () => {
    const entries = [
      ['1-0', ['record', record]],
      ['2-0', ['record', '{"tenant": "acme"}']],
      ['2-1', ['record', 'no JSON']],
      ['3-0', ['other', record]],
    ]
    expect(entriesOf([['parley:demo:link-reports', entries]])).toEqual([
      { id: '3-0', records: [reported()], rejected: 3 },
    ])
    expect(entriesOf(null)).toEqual([])
  })
})
