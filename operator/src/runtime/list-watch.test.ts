import { describe, expect, it } from '@jest/globals'
import pino from 'pino'
import type { ListQuery, WatchEvent } from './client.ts'
import { Expired, Unavailable, Unreadable } from './errors.ts'
import { FakeClock } from './fake-clock.ts'
import { ListWatch } from './list-watch.ts'
import { CONFIG_MAPS, type K8sObject, type ListBody, type Resource } from './resources.ts'
import { type Entry, Store } from './store.ts'

const object = (name: string, resourceVersion: string): K8sObject => ({
  metadata: { name, namespace: 'ns', uid: name, resourceVersion },
})
const call = { verb: 'watch', resource: 'configmaps' }

/** Plays a script: each list or watch call takes the next step and writes down how it was called. */
function setUp(script: {
  lists: (ListBody | Error)[]
  watches: (WatchEvent[][] | Error | { events: WatchEvent[][]; failure: Error })[]
}) {
  const clock = new FakeClock()
  const calls: string[] = []
  const client = {
    async each(
      _: Resource,
      __: string | undefined,
      ___: ListQuery,
      ____: object,
      onObject: (object: K8sObject) => void,
    ) {
      calls.push('list')
      const next = script.lists.shift()
      if (next === undefined || next instanceof Error) throw next ?? gone()
      for (const object of next.items ?? []) onObject(object)
      return next.metadata
    },
    async *watch(
      _: Resource,
      __: string | undefined,
      query: { resourceVersion: string },
      { signal }: { signal: AbortSignal },
    ): AsyncGenerator<WatchEvent[]> {
      calls.push(`watch ${query.resourceVersion}`)
      const next = script.watches.shift()
      if (next instanceof Error) throw next
      // At the end of the script it stays open.
      if (next === undefined)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      else if ('failure' in next) {
        yield* next.events
        throw next.failure
      } else yield* next
    },
  }
  const store = new Store<Entry>({
    project: ({ metadata }) => ({
      uid: metadata.uid ?? '',
      resourceVersion: metadata.resourceVersion ?? '',
    }),
  })
  const watch = new ListWatch({
    client,
    resource: CONFIG_MAPS,
    store,
    clock,
    random: () => 0.5,
    log: pino({ level: 'silent' }),
  })
  const stop = new AbortController()
  const run = watch.run(stop.signal)
  return {
    clock,
    calls,
    store,
    watch,
    stop: async () => {
      stop.abort()
      await run
    },
  }
}

const gone = () => new Unavailable('Unavailable', 0, call, 'ECONNREFUSED')
const listOf = (items: K8sObject[], resourceVersion: string): ListBody => ({
  metadata: { resourceVersion },
  items,
})

describe('ListWatch', () => {
  it('REQ-K1: reads the list, then watches from its version', async () => {
    const { clock, calls, store, watch, stop } = setUp({
      lists: [listOf([object('a', '1'), object('b', '2')], '10')],
      watches: [],
    })
    await clock.advance(0)
    await watch.hasSynced()
    expect(calls).toEqual(['list', 'watch 10'])
    expect([...store.keys()]).toEqual(['ns/a', 'ns/b'])
    await stop()
  })

  it('takes a watch that ended up again where it stopped, bookmarks included', async () => {
    const { clock, calls, store, stop } = setUp({
      lists: [listOf([object('a', '1')], '10')],
      watches: [
        [[{ type: 'MODIFIED', object: object('a', '11') }]],
        [[{ type: 'BOOKMARK', object: object('', '40') }]],
      ],
    })
    await clock.advance(5_000)
    expect(calls).toEqual(['list', 'watch 10', 'watch 11', 'watch 40'])
    expect(store.get('ns/a')?.resourceVersion).toBe('11')
    await stop()
  })

  it.each([
    ['as an answer', new Expired('Expired', 410, call, 'too old')],
    [
      'as an event',
      [[{ type: 'ERROR' as const, object: { ...object('', '0'), code: 410, message: 'too old' } }]],
    ],
  ])(
    'lists again when its version is compacted away (410 %s), and drops what is gone',
    async (_, expired) => {
      const { clock, calls, store, stop } = setUp({
        lists: [
          listOf([object('a', '1'), object('b', '2')], '10'),
          listOf([object('b', '2')], '90'),
        ],
        watches: [expired],
      })
      await clock.advance(5_000)
      expect(calls).toEqual(['list', 'watch 10', 'list', 'watch 90'])
      expect([...store.keys()]).toEqual(['ns/b'])
      await stop()
    },
  )

  it('REQ-K1: goes back to where a stream began of which a part could not be read, and asks ever less', async () => {
    const unreadable = () => new Unreadable(call, 'text/html', new SyntaxError('a page'))
    const { clock, calls, store, watch, stop } = setUp({
      lists: [listOf([object('a', '1')], '10')],
      watches: [
        { events: [[{ type: 'MODIFIED', object: object('a', '11') }]], failure: unreadable() },
        ...Array.from({ length: 40 }, unreadable),
      ],
    })
    await clock.advance(60_000)
    expect(calls.slice(0, 3)).toEqual(['list', 'watch 10', 'watch 10'])
    expect(calls.filter((one) => one === 'list')).toHaveLength(1)
    expect(calls.length).toBeLessThan(25)
    expect(watch.problem?.message).toContain('text/html')
    expect(store.get('ns/a')?.resourceVersion).toBe('11')
    await stop()
  })

  it('REQ-K1: waits for a server that goes away, ever longer, and goes on when it is back', async () => {
    const { clock, calls, watch, stop } = setUp({
      lists: [gone(), gone(), listOf([], '5')],
      watches: [...Array.from({ length: 12 }, gone)],
    })
    await clock.advance(400)
    expect(watch.problem?.message).toContain('ECONNREFUSED')
    await clock.advance(600_000)
    await watch.hasSynced()
    expect(calls.slice(0, 4)).toEqual(['list', 'list', 'list', 'watch 5'])
    expect(calls).toHaveLength(3 + 12 + 1)
    await stop()
  })

  it('asks a server that closes each watch at once only a few times a second', async () => {
    const { clock, calls, stop } = setUp({
      lists: [listOf([], '5')],
      watches: Array.from({ length: 1000 }, () => []),
    })
    await clock.advance(10_000)
    expect(calls.length).toBeLessThan(50)
    await stop()
  })
})
