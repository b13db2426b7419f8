import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eventually, TestCluster, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
let operator: TestOperator

beforeAll(async () => {
  cluster = await TestCluster.start('operator-external-redis')
  operator = new TestOperator(cluster)
})
afterAll(async () => {
  await operator?.stop()
  await cluster?.stop()
})

const url = (address: string) => ({ redis: { mode: 'External', external: { url: address } } })

describe('an external Redis', () => {
  it('REQ-K5: that coturn cannot speak to is a condition and an event, until another one is given', async () => {
    await cluster.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'metered' } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'redis', namespace: 'metered' },
        stringData: { url: 'rediss://parley:a-long-password@redis.example.com:6380/0' },
      },
    )
    const redis = { mode: 'External', external: { secretName: 'redis' } }
    await cluster.meetingCluster('metered', { redis })
    const { message } = await cluster.condition('metered', 'RelayMetered', {
      status: 'False',
      reason: 'RelayUnmetered',
    })
    expect(message).toContain('wants TLS and a user name, which coturn does not speak')
    await eventually(async () => {
      const events = await cluster.kubectl('get', 'events', '-n', 'metered')
      expect(events).toMatch(/Warning +RelayUnmetered /)
    })
    const plain = { stringData: { url: 'redis://:a-long-password@redis:6379/0' } }
    await cluster.patch('secret', 'redis', 'metered', plain)
    await cluster.condition('metered', 'RelayMetered', { status: 'True' })
    expect(operator.logs).not.toContain('a-long-password')
  })

  it('REQ-K1: is for one LiveKit: the younger MeetingCluster is told, and gets its own when the older has gone', async () => {
    const sfu = { engine: 'LiveKit' }
    await cluster.meetingCluster('older', { sfu, ...url('redis://shared.example.com:6379/1') })
    await cluster.condition('older', 'Stalled', { status: 'False' })
    // Ages are in seconds.
    const born = await cluster.get('mc', 'demo', 'older')
    await eventually(async () => {
      expect(Date.now()).toBeGreaterThan(Date.parse(`${born?.metadata.creationTimestamp}`) + 1100)
    })
    await cluster.meetingCluster('younger', { sfu, ...url('redis://shared.example.com/2') })
    const { message } = await cluster.condition('younger', 'Stalled', {
      status: 'True',
      reason: 'RedisShared',
    })
    expect(message).toContain('MeetingCluster older/demo is on this Redis')
    await cluster.condition('older', 'Stalled', { status: 'False' })
    const has = async (namespace: string) =>
      (await cluster.children(namespace)).has('Deployment/demo-sfu')
    expect(await has('older')).toBe(true)
    expect(await has('younger')).toBe(false)
    // All else of it is made.
    expect((await cluster.children('younger')).has('Deployment/demo-turn')).toBe(true)

    await cluster.delete('mc', 'demo', 'older')
    await cluster.condition('younger', 'Stalled', { status: 'False' })
    await eventually(async () => expect(await has('younger')).toBe(true))
  })
})
