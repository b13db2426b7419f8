import { describe, expect, it } from '@jest/globals'
import type { Redis } from 'ioredis'
import { type FeedMessage, redisFeed } from './feed.ts'

/** A Redis that answers who subscribes when it is told to. */
function slowRedis() {
  const answer = Promise.withResolvers<void>()
  const subscribed: string[] = []
  let hear = (_channel: string, _text: string) => {}
  const copy = {
    on: (event: string, listener: typeof hear) => {
      if (event === 'message') hear = listener
    },
    subscribe: (channel: string) => {
      subscribed.push(channel)
      return answer.promise
    },
    disconnect: () => {},
  }
  return {
    redis: { duplicate: () => copy } as unknown as Redis,
    answer,
    subscribed,
    tell: (message: object) => hear('', JSON.stringify(message)),
  }
}

describe('what replicas tell each other', () => {
  const feedOf = (redis: Redis, heard: FeedMessage[] = []) =>
    redisFeed({
      ...{ redis, cluster: 'demo', self: 'one', onDropped: () => {} },
      onMessage: (message) => heard.push(message),
    })

  it('REQ-G2: is listened to when Redis says so, once for all who want to hear it', async () => {
    const { redis, answer, subscribed } = slowRedis()
    const feed = feedOf(redis)
    let listening = 0
    const all = [1, 2].map(() => feed.listen().then(() => listening++))
    await new Promise(setImmediate)
    expect(listening).toBe(0)
    answer.resolve()
    await Promise.all(all)
    expect(subscribed).toEqual(['parley:demo:meeting-metrics:feed'])
  })

  it('REQ-G2: nobody who wants to hear it is refused where Redis is away', async () => {
    const { redis, answer, tell } = slowRedis()
    const heard: FeedMessage[] = []
    const feed = feedOf(redis, heard)
    const listening = feed.listen()
    answer.reject(new Error('Command timed out'))
    await listening
    // It is back, and so is what the others say; what was said here is known here.
    for (const from of ['one', 'two']) tell({ from, tenant: 'default', updates: [] })
    expect(heard).toEqual([{ tenant: 'default', updates: [] }])
  })
})
