import { describe, expect, it } from '@jest/globals'
import { parseStatsdb } from '@parley/relay-cost'
import { Accounting } from './accounting.ts'
import { holderOf } from './load.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { totalsOf, usageOf } from './store/testing/usage.ts'

const start = Date.UTC(2026, 10, 21)
const all = { from: 0, to: Date.UTC(2100, 0) }

function eventOf(topic: string, message: string, username = '4000000000:acme.r1.p-1') {
  const channel = `turn/realm/pod-a.demo/user/${username}/allocation/000000000000000001/${topic}`
  const event = parseStatsdb({ t: start, channel, message })
  if ('rejected' in event) throw new Error(event.rejected)
  return event
}
function statusOf(message: string) {
  const event = eventOf('status', message)
  if (!('remote' in event)) throw new Error('not a status')
  return event
}
const bytes = (n: number) => `rcvp=1, rcvb=${n}, sentp=0, sentb=0`
const opened = 'new lifetime=600, type=UDP, local=a:1, remote=c:1, ssl=NONE, cipher=NONE'

describe('accounting', () => {
  it('REQ-K5: what the store refused is kept and written later', async () => {
    const store = await openStore('sqlite::memory:')
    let broken = true
    const flaky: Store = {
      ...store,
      merge: (records) => (broken ? Promise.reject(new Error('disk full')) : store.merge(records)),
    }
    const accounting = new Accounting(flaky, usageOf(flaky))
    await accounting.resume(start)
    accounting.count(eventOf('status', opened))
    accounting.count(eventOf('traffic', bytes(100)))
    await expect(accounting.flush(start)).rejects.toThrow('disk full')
    expect(accounting.storeError?.message).toBe('disk full')
    broken = false
    await accounting.flush(start)
    expect(accounting.storeError).toBeUndefined()
    expect((await totalsOf(store)).traffic.clientToTurnBytes).toBe(100)
  })

  it('REQ-K5: takes up where the store ends', async () => {
    const store = await openStore('sqlite::memory:')
    const first = new Accounting(store, usageOf(store))
    await first.resume(start)
    first.count(eventOf('status', opened))
    first.count(eventOf('traffic', bytes(100)))
    first.count(eventOf('traffic', bytes(7), 'mallory'))
    await first.flush(start)

    const second = new Accounting(store, usageOf(store))
    await second.resume(start)
    expect(second.open(start)).toEqual({ allocations: 1, users: 1 })
    second.count(eventOf('traffic', bytes(50)))
    second.count(eventOf('total_traffic', bytes(160)))
    await second.flush(start)
    expect(second.traffic.clientToTurnBytes).toBe(167)
    expect(second.unattributedBytes).toBe(7)
    const records = await store.records(all)
    expect(records).toHaveLength(2)
    expect((await totalsOf(store)).traffic.clientToTurnBytes).toBe(167)
  })

  it('REQ-K5: a counter that would pass 2^53 is not counted, and that is said: the first by name, all by number', async () => {
    const store = await openStore('sqlite::memory:')
    const said: string[] = []
    const accounting = new Accounting(store, usageOf(store), 10, ({ allocation }) =>
      said.push(allocation.username),
    )
    await accounting.resume(start)
    accounting.count(eventOf('traffic', bytes(Number.MAX_SAFE_INTEGER - 10)))
    expect([accounting.overflows, said]).toEqual([0, []])
    for (let n = 0; n < 3; n += 1) accounting.count(eventOf('traffic', bytes(11)))
    expect([accounting.overflows, said]).toEqual([3, ['4000000000:acme.r1.p-1']])
    expect(accounting.traffic.clientToTurnBytes).toBe(Number.MAX_SAFE_INTEGER - 10)
  })

  it('REQ-K5: a key that a killed coturn left behind brings no allocation back to life', async () => {
    const store = await openStore('sqlite::memory:')
    const accounting = new Accounting(store, usageOf(store))
    await accounting.resume(start)
    const status = (at: number) => ({ ...statusOf(opened), at })
    accounting.find(status(start))
    expect(accounting.open(start)).toEqual({ allocations: 1, users: 1 })
    const expired = start + 600_000
    accounting.find(status(expired))
    expect(accounting.open(expired)).toEqual({ allocations: 0, users: 0 })
    accounting.count(status(expired))
    expect(accounting.open(expired)).toEqual({ allocations: 1, users: 1 })
  })

  it('REQ-K6: who holds an allocation and uses none is not on a relay', async () => {
    const store = await openStore('sqlite::memory:')
    const direct = new Set([holderOf({ username: '4000000000:acme.r1.p-1' })])
    const accounting = new Accounting(store, usageOf(store), 10, undefined, (holder) =>
      direct.has(holder),
    )
    await accounting.resume(start)
    accounting.count(eventOf('status', opened))
    accounting.count(eventOf('status', opened, '4000000000:acme.r1.p-2'))
    accounting.count(eventOf('status', opened, 'mallory'))
    expect(accounting.open(start)).toEqual({ allocations: 3, users: 2 })
  })

  it('REQ-K5: while the store is away so many wait and no more: the ended beyond are counted as dropped, the open are not lost', async () => {
    const store = await openStore('sqlite::memory:')
    let broken = true
    const flaky: Store = {
      ...store,
      merge: (records) => (broken ? Promise.reject(new Error('disk full')) : store.merge(records)),
    }
    const accounting = new Accounting(flaky, usageOf(flaky), 3)
    await accounting.resume(start)
    const user = (n: number) => `4000000000:acme.r1.p-${n}`
    // One that stays open, then five that end.
    for (const n of [0, 1, 2, 3, 4, 5]) {
      accounting.count(eventOf('status', opened, user(n)))
      accounting.count(eventOf('traffic', bytes(10), user(n)))
      if (n > 0) accounting.count(eventOf('status', 'deleted', user(n)))
    }
    await expect(accounting.flush(start)).rejects.toThrow('disk full')
    expect(accounting.dropped).toBe(2)
    expect(accounting.open(start)).toEqual({ allocations: 1, users: 1 })
    broken = false
    await accounting.flush(start)
    await accounting.flush(start)
    const participants = (await store.records(all)).map(({ username }) => username)
    expect(participants.toSorted()).toEqual([0, 3, 4, 5].map(user))
    // What is said of a dropped one later still counts.
    accounting.count(eventOf('total_traffic', bytes(10), user(1)))
    await accounting.flush(start)
    expect((await totalsOf(store)).traffic.clientToTurnBytes).toBe(50)
  })
})
