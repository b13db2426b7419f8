import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import {
  liveKitServer,
  meteredFindings,
  RedisNeighbours,
  redisServer,
  sharedRedis,
} from './external-redis.ts'

const external = (url: string) =>
  meetingCluster({ sfu: { engine: 'LiveKit' }, redis: { mode: 'External', external: { url } } })

describe('the address of an external Redis', () => {
  it.each([
    ['redis://Redis.example.com/3', { at: 'redis.example.com:6379', tls: false, user: false }],
    ['rediss://redis:6380\n', { at: 'redis:6380', tls: true, user: false }],
    ['redis://:secret@redis:7000/0', { at: 'redis:7000', tls: false, user: false }],
    ['redis://default:secret@redis', { at: 'redis:6379', tls: false, user: false }],
    ['redis://parley:secret@[fd00::1]/0', { at: 'fd00::1:6379', tls: false, user: true }],
  ])('%s', (address, server) => {
    expect(redisServer(address)).toEqual(server)
  })

  it.each(['', 'redis', 'http://redis:6379', '\n'])('"%s" is none', (address) => {
    expect(redisServer(address)).toBeUndefined()
  })
})

describe('REQ-K5: whether what is relayed is counted', () => {
  const said = (address: string) => meteredFindings(external('redis://any'), redisServer(address))

  it('is said of an external Redis, with what coturn does not speak', () => {
    expect(said('redis://:secret@redis')).toMatchObject([{ type: 'RelayMetered', status: 'True' }])
    expect(said('rediss://parley:secret@redis')).toMatchObject([
      {
        status: 'False',
        reason: 'RelayUnmetered',
        message: expect.stringContaining('wants TLS and a user name'),
      },
    ])
    expect(said('rediss://:secret@redis')[0]?.message).not.toMatch(/user name|secret/)
  })

  it('is not said of the managed one, nor while the address is not known', () => {
    expect(meteredFindings(meetingCluster(), redisServer('rediss://redis'))).toEqual([])
    expect(said('')).toEqual([])
  })
})

describe('REQ-K1: MeetingClusters with LiveKit on one external Redis', () => {
  const named = (name: string, creationTimestamp: string) => {
    const mc = external('redis://redis')
    return { ...mc, metadata: { ...mc.metadata, name, creationTimestamp } }
  }
  const old = named('old', '2026-01-01T00:00:00Z')
  const young = named('young', '2026-01-02T00:00:00Z')

  it('the younger one is told which one was there first', () => {
    expect(sharedRedis(young, [old])).toMatchObject({
      reason: 'RedisShared',
      stalled: true,
      message: expect.stringContaining('MeetingCluster meetings/old'),
    })
    expect(sharedRedis(old, [young])).toBeUndefined()
    expect(sharedRedis(young, [])).toBeUndefined()
    // Of one age, exactly one stays.
    const twin = named('twin', '2026-01-01T00:00:00Z')
    expect([sharedRedis(old, [twin]), sharedRedis(twin, [old])].filter(Boolean)).toHaveLength(1)
  })

  it('matter where LiveKit is and Redis is somebody else’s, whatever the number of the database', () => {
    const at = (url: string) => liveKitServer(external(url), redisServer(url))
    expect(at('redis://redis/1')).toBe(at('redis://redis:6379/2'))
    const server = redisServer('redis://redis')
    expect(liveKitServer(meetingCluster(), server)).toBeUndefined()
    const redis = { mode: 'External' as const, external: { url: 'redis://redis' } }
    expect(
      liveKitServer(meetingCluster({ sfu: { engine: 'None' }, redis }), server),
    ).toBeUndefined()
  })

  it('are looked at again when one comes, moves or goes', () => {
    const looked: string[] = []
    const neighbours = new RedisNeighbours((key) => looked.push(key))
    const after = (key: string, at: string | undefined) => {
      looked.length = 0
      neighbours.settle(key, at)
      return [...looked]
    }
    expect(after('a', 'one')).toEqual([])
    expect(after('b', 'one')).toEqual(['a'])
    expect(after('b', 'one')).toEqual([])
    expect([...neighbours.with('b')]).toEqual(['a'])
    expect(after('c', 'two')).toEqual([])
    expect(after('b', 'two')).toEqual(['a', 'c'])
    expect(after('b', undefined)).toEqual(['c'])
    expect([...neighbours.with('b')]).toEqual([])
  })
})
