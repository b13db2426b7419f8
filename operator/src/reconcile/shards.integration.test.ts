import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ownsNamespace } from '../runtime/shard.ts'
import { eventually, TestCluster, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(180_000)

/** Of two shards as of three, each has some. */
const NAMESPACES = ['shard-a', 'shard-b', 'shard-d', 'shard-e', 'shard-g', 'shard-h']

let cluster: TestCluster
const operators: TestOperator[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('operator-shards')
  for (const namespace of NAMESPACES) await cluster.meetingCluster(namespace)
})
afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.stop()))
})
afterAll(() => cluster.stop())

function startShards(count: number): TestOperator[] {
  const started = Array.from(
    { length: count },
    (_, index) =>
      new TestOperator(cluster, { leaderElect: true, shard: { index, count }, build: 'one' }),
  )
  operators.push(...started)
  return started
}

async function stop(operator: TestOperator | undefined): Promise<void> {
  if (!operator) return
  operators.splice(operators.indexOf(operator), 1)
  await operator.stop()
}

/** The namespaces in which it has applied something. */
function writtenBy(operator: TestOperator): string[] {
  const lines = operator.logs.split('\n').filter((line) => line.includes('"msg":"applied"'))
  return [...new Set(lines.map((line) => JSON.parse(line).cluster.split('/')[0]))].sort()
}

const ownedBy = (index: number, count: number) =>
  NAMESPACES.filter((namespace) => ownsNamespace({ index, count }, namespace))

async function allObserved(): Promise<void> {
  await eventually(async () => {
    for (const namespace of NAMESPACES) {
      const found = await cluster.get('mc', 'demo', namespace)
      expect(found?.status?.observedGeneration).toBe(found?.metadata.generation)
    }
  })
}

describe('shards', () => {
  it('REQ-K1: each MeetingCluster is looked after by exactly one; without one the others go on', async () => {
    const [first, second] = startShards(2)
    await allObserved()
    await first?.quiet()
    await second?.quiet()
    expect(ownedBy(0, 2).length * ownedBy(1, 2).length).toBeGreaterThan(0)
    expect([first, second].map((each) => each && writtenBy(each))).toEqual([
      ownedBy(0, 2),
      ownedBy(1, 2),
    ])
    expect(await second?.metric('leader_election_master_status', /shard="1\/2"/)).toBe(1)

    await stop(first)
    const [orphan = ''] = ownedBy(0, 2)
    const [held = ''] = ownedBy(1, 2)
    for (const namespace of [orphan, held]) await cluster.delete('sa', 'demo-webapp', namespace)
    await eventually(async () => {
      expect([...(await cluster.children(held)).keys()]).toContain('ServiceAccount/demo-webapp')
    })
    await second?.quiet()
    expect([...(await cluster.children(orphan)).keys()]).not.toContain('ServiceAccount/demo-webapp')
  })

  it('REQ-K1: another number of shards begins when the old one has ended, and finds nothing to change', async () => {
    const old = startShards(2)
    await allObserved()
    for (const operator of old) {
      await eventually(async () => expect(operator.logs).toContain('became leader'))
      await operator.quiet()
    }
    const fresh = startShards(3)
    for (const operator of fresh)
      await eventually(async () =>
        expect(operator.logs).toContain('waits for another number of shards'),
      )
    const remembered = (index: number) =>
      cluster.get('cm', `parley-manager-${index}-of-2-remembered`, 'default')
    await stop(old[0])
    expect(await remembered(0)).toBeDefined()
    // One of the old ones is left, so none of the new ones begins.
    await cluster.annotate('mc', 'demo', 'shard-a', { touched: 'yes' })
    for (const operator of fresh) expect(operator.logs).not.toContain('became leader')
    await stop(old[1])
    for (const operator of fresh) {
      await eventually(async () => expect(operator.logs).toContain('became leader'))
      await operator.quiet()
      expect(writtenBy(operator)).toEqual([])
    }
    // What is remembered for a number of shards that is no more goes, too.
    for (const index of [0, 1]) expect(await remembered(index)).toBeUndefined()
    const looked = await Promise.all(fresh.map((operator) => operator.reconciles()))
    expect(looked.every((count, index) => count >= ownedBy(index, 3).length)).toBe(true)
  })
})
