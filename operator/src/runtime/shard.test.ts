import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { formatShard, leaseName, ownsNamespace, parseShard, shardsOfLease } from './shard.ts'

const counts = fc.integer({ min: 1, max: 20 })
const shards = (count: number) => Array.from({ length: count }, (_, index) => ({ index, count }))
const names = Array.from({ length: 1000 }, (_, index) => `namespace-${index}`)
const ownerOf = (namespace: string, count: number) =>
  shards(count).filter((shard) => ownsNamespace(shard, namespace))

describe('shards', () => {
  it('every namespace belongs to exactly one', () => {
    fc.assert(
      fc.property(fc.string(), counts, (namespace, count) => {
        expect(ownerOf(namespace, count)).toHaveLength(1)
      }),
    )
  })

  it('each has about as many as the others', () => {
    for (const shard of shards(4)) {
      const own = names.filter((namespace) => ownsNamespace(shard, namespace))
      expect(own.length).toBeGreaterThan(200)
      expect(own.length).toBeLessThan(300)
    }
  })

  it('with one more, namespaces move to the new one only', () => {
    for (const namespace of names) {
      const [before] = ownerOf(namespace, 4)
      const [after] = ownerOf(namespace, 5)
      expect([before?.index, 4]).toContain(after?.index)
    }
  })

  it('stays the same from version to version', () => {
    const own = ['default', 'meetings', 'team-a', 'team-b'].map(
      (name) => ownerOf(name, 3)[0]?.index,
    )
    expect(own).toEqual([0, 1, 1, 1])
  })

  it.each(['0/1', '1/2', '999/1000'])('reads %s or refuses it', (text) => {
    const shard = parseShard(text)
    expect(shard ? formatShard(shard) : 'refused').toBe(text === '999/1000' ? 'refused' : text)
  })

  it.each(['', '2/2', '-1/2', '1', 'a/b', '0/0', '1.0/2'])('refuses %j', (text) => {
    expect(parseShard(text)).toBeUndefined()
  })

  it('a Lease says with how many shards its holder works', () => {
    fc.assert(
      fc.property(counts, (count) => {
        for (const shard of shards(count)) expect(shardsOfLease(leaseName(shard))).toBe(count)
      }),
    )
    expect(shardsOfLease('parley-manager-x')).toBeUndefined()
    expect(shardsOfLease('kube-scheduler')).toBeUndefined()
  })
})
