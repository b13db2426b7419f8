import { describe, expect, it } from '@jest/globals'
import { type DrainTarget, drainPods, type MediaPod } from './drain.ts'

const pod = (name: string): MediaPod => ({
  namespace: 'meetings',
  name,
  uid: `uid-${name}`,
  cluster: 'demo',
  component: 'turn',
  node: 'n1',
})

/** Pods that a budget lets go one at a time, and that end when their allocations have. */
class FakeCluster implements DrainTarget {
  readonly present: Map<string, MediaPod & { allocations: number }>
  now = 0

  constructor(...pods: [string, number][]) {
    this.present = new Map(
      pods.map(([name, allocations]) => [`uid-${name}`, { ...pod(name), allocations }]),
    )
  }

  async pods() {
    return [...this.present.values()]
  }

  async evict({ uid }: MediaPod) {
    const draining = [...this.present.values()].some(({ endsAt }) => endsAt !== undefined)
    if (draining) return 'a disruption budget lets another one go first'
    const found = this.present.get(uid)
    if (found) this.present.set(uid, { ...found, endsAt: this.now + 3_600_000 })
    return undefined
  }

  async load({ uid }: MediaPod) {
    return `${this.present.get(uid)?.allocations} allocations`
  }

  /** A call ends on each pod that drains. */
  sleep = async () => {
    this.now += 60_000
    for (const [uid, each] of this.present)
      if (each.endsAt !== undefined && --each.allocations <= 0) this.present.delete(uid)
  }
}

async function follow(cluster: FakeCluster, pods: MediaPod[], deadline = Number.POSITIVE_INFINITY) {
  const seen: string[] = []
  for await (const picture of drainPods(pods, cluster, {
    sleep: cluster.sleep,
    now: () => cluster.now,
    deadline,
  }))
    seen.push(picture.map((each) => `${each.pod.name} ${each.state} ${each.detail}`).join(', '))
  return seen
}

describe('draining', () => {
  it('REQ-K7: follows a pod until its last allocation has ended', async () => {
    const seen = await follow(new FakeCluster(['a', 2]), [pod('a')])
    expect(seen).toEqual([
      'a draining 2 allocations',
      'a draining 1 allocations; ends in 59 min at the latest',
      'a gone has ended',
    ])
  })

  it('REQ-K7: pods go one after another where their budget wants it so', async () => {
    const seen = await follow(new FakeCluster(['a', 1], ['b', 1]), [pod('a'), pod('b')])
    expect(seen[0]).toContain('b waiting a disruption budget')
    expect(seen.at(-1)).toBe('a gone has ended, b gone has ended')
  })

  it('one that replaces it is another pod', async () => {
    const cluster = new FakeCluster(['a', 1])
    cluster.present.set('uid-new', { ...pod('a'), uid: 'uid-new', allocations: 9 })
    expect((await follow(cluster, [pod('a')])).at(-1)).toBe('a gone has ended')
    expect(cluster.present.has('uid-new')).toBe(true)
  })

  it('is given up at the deadline; the pod goes on to drain', async () => {
    const cluster = new FakeCluster(['a', 100])
    const seen = await follow(cluster, [pod('a')], 120_000)
    expect(seen).toHaveLength(3)
    expect(cluster.present.size).toBe(1)
  })
})
