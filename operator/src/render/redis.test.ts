import { expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildRedisStatefulSet, redisAccess, redisAddressEnv, renderRedis } from './redis.ts'
import { renderInputs } from './testing/inputs.ts'

const external = (address: { url?: string; secretName?: string }) =>
  meetingCluster({ redis: { mode: 'External', external: address } })

it('the managed Redis keeps its data on a volume of its own', () => {
  const objects = renderRedis(meetingCluster({ redis: { size: '2Gi' } }), renderInputs())
  expect(objects).toContainEqual(
    expect.objectContaining({
      kind: 'PersistentVolumeClaim',
      spec: expect.objectContaining({ resources: { requests: { storage: '2Gi' } } }),
    }),
  )
})

it('the managed Redis is one pod, whatever replicas say', () => {
  const mc = meetingCluster({ redis: { replicas: 3 } })
  expect(buildRedisStatefulSet(mc, renderInputs()).spec.replicas).toBe(1)
})

it('nothing is deployed for an external Redis', () => {
  expect(renderRedis(external({ url: 'redis://r' }), renderInputs())).toEqual([])
})

it('REQ-K1: certificates of an external Redis are there for those who connect, beside its address', () => {
  const { env, mounts } = redisAccess(external({ url: 'rediss://r' }))
  expect(env).toEqual([
    { name: 'REDIS_URL_FILE', value: '/etc/parley/secrets/redis/url' },
    { name: 'NODE_EXTRA_CA_CERTS', value: '/etc/parley/secrets/redis/ca' },
  ])
  expect(mounts[0]?.volume.secret?.items?.map(({ key }) => key)).toEqual(['url', 'ca'])
  expect(redisAccess(meetingCluster()).env.map(({ name }) => name)).toEqual(['REDIS_URL_FILE'])
})

it('coturn takes the address of Redis from the spec, or from the Secret where only that has it', () => {
  expect(redisAddressEnv(external({ url: 'redis://redis.example.com:7000/1' }))).toEqual([
    { name: 'REDIS_HOST', value: 'redis.example.com' },
    { name: 'REDIS_PORT', value: '7000' },
  ])
  expect(redisAddressEnv(external({ secretName: 'mine' }))).toContainEqual({
    name: 'REDIS_HOST',
    valueFrom: { secretKeyRef: { name: 'demo-redis-auth', key: 'host' } },
  })
})
