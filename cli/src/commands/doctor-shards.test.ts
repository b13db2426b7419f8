import { describe, expect, it } from '@jest/globals'
import type { MeetingCluster } from '@parley/operator/api'
import { ownsNamespace } from '@parley/operator/shard'
import { shardFindings } from './doctor-shards.ts'

const NOON = Date.parse('2026-11-21T12:00:00Z')

function lease(name: string, holderIdentity: string, secondsAgo = 0, namespace = 'parley-system') {
  const renewTime = new Date(NOON - secondsAgo * 1000).toISOString().replace('Z', '000Z')
  return {
    metadata: { name, namespace },
    spec: { holderIdentity, leaseDurationSeconds: 15, renewTime },
  }
}
const cluster = (namespace: string, observedGeneration = 1) =>
  ({
    metadata: { name: 'demo', namespace, generation: 1 },
    status: { observedGeneration },
  }) as unknown as MeetingCluster

/** A namespace of each of two shards. */
const [zero = '', one = ''] = [0, 1].map((index) =>
  ['a', 'b', 'c', 'd', 'e', 'f'].find((name) => ownsNamespace({ index, count: 2 }, name)),
)
const both = [lease('parley-manager-0-of-2', 'pod-a'), lease('parley-manager-1-of-2', 'pod-b', 4)]

describe('parley doctor, of a fleet that operators share', () => {
  it('says of each shard who leads it, and that it has seen to what it looks after', () => {
    expect(shardFindings(both, [cluster(zero), cluster(one)])).toEqual([
      { ok: true, what: 'shard 0/2, led by pod-a: 1 MeetingClusters, all seen to' },
      { ok: true, what: 'shard 1/2, led by pod-b: 1 MeetingClusters, all seen to' },
    ])
  })

  it('names those that a shard has not seen to', () => {
    expect(shardFindings(both, [cluster(zero, 0), cluster(one)])).toMatchObject([
      { ok: false, what: expect.stringContaining(`it has not seen to ${zero}/demo`) },
      { ok: true },
    ])
  })

  it.each([
    ['has no Lease', both.slice(0, 1)],
    ['has given its Lease up', [both[0], lease('parley-manager-1-of-2', '')]],
    ['stopped renewing it', [both[0], lease('parley-manager-1-of-2', 'pod-b', 16)]],
  ])('names those that nobody looks after, where a shard %s', (_, leases) => {
    const given = leases as Parameters<typeof shardFindings>[0]
    expect(shardFindings(given, [cluster(zero), cluster(one)])).toMatchObject([
      { ok: true },
      {
        ok: false,
        what: `shard 1/2 is led by nobody: nobody looks after ${one}/demo`,
        fix: 'an operator has to run in parley-system with --shard 1/2',
      },
    ])
    // With nothing to look after there is nothing wrong.
    expect(shardFindings(given, [cluster(zero)]).every(({ ok }) => ok)).toBe(true)
  })

  it('says nothing where there are no shards, or who asks may not see Leases', () => {
    const others = [lease('parley-manager', 'pod-a'), lease('kube-scheduler', 'node-1')]
    expect(shardFindings(others, [cluster(zero)])).toEqual([])
    expect(shardFindings(undefined, [cluster(zero)])).toEqual([])
  })

  it('leaves out a number of shards that was given up', () => {
    const before = [lease('parley-manager-2-of-3', '')]
    expect(shardFindings([...both, ...before], [])).toHaveLength(2)
  })
})
