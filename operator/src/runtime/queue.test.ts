import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FakeClock, settle } from './fake-clock.ts'
import { createMetrics } from './metrics.ts'
import { WorkQueue } from './queue.ts'

function setUp() {
  const clock = new FakeClock()
  const metrics = createMetrics()
  return { clock, metrics, queue: new WorkQueue({ name: 'test', clock, metrics }) }
}

/** A worker that writes down when it gets what, and holds each key for a while. */
function startWorker(queue: WorkQueue, clock: FakeClock, holdMs: number, log: Log) {
  const run = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      log.push({ key, at: clock.now(), what: 'start' })
      await new Promise<void>((resolve) => clock.after(holdMs, resolve))
      log.push({ key, at: clock.now(), what: 'done' })
      queue.done(key)
    }
  }
  return run()
}

type Log = { key: string; at: number; what: 'start' | 'done' }[]

const action = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
  fc.record({
    kind: fc.constant('later' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    ms: fc.integer({ min: 0, max: 50 }),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 30 }) }),
)

describe('WorkQueue', () => {
  it('REQ-K1: never gives one key to two workers, and loses no change', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 20 }),
        async (actions, workers, holdMs) => {
          const { clock, queue } = setUp()
          const log: Log = []
          const running = Array.from({ length: workers }, () =>
            startWorker(queue, clock, holdMs, log),
          )
          /** The latest moment from which a pass over the key is owed. */
          const owed = new Map<string, number>()
          const owe = (key: string, at: number) => owed.set(key, Math.max(owed.get(key) ?? 0, at))
          for (const step of actions) {
            if (step.kind === 'add') {
              owe(step.key, clock.now())
              queue.add(step.key)
            } else if (step.kind === 'later') {
              // Merged with an earlier one: only "now or later" is owed.
              owe(step.key, clock.now())
              queue.addAfter(step.key, step.ms)
            } else await clock.advance(step.ms)
          }
          await clock.advance(10_000)
          queue.stop()
          await Promise.all(running)

          const held = new Set<string>()
          for (const { key, what } of log) {
            expect(held.has(key)).toBe(what === 'done')
            if (what === 'start') held.add(key)
            else held.delete(key)
          }
          for (const [key, at] of owed) {
            expect(
              log.some((entry) => entry.key === key && entry.what === 'start' && entry.at >= at),
            ).toBe(true)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('merges what is added while it waits, and brings back what is added while it is worked on', async () => {
    const { queue } = setUp()
    queue.add('a')
    queue.add('a')
    expect(await queue.take()).toBe('a')
    queue.add('a')
    queue.add('b')
    expect(await queue.take()).toBe('b')
    queue.done('a')
    expect(await queue.take()).toBe('a')
  })

  it('doubles the delay with each failure from 5 ms to 1000 s, until it is forgotten', async () => {
    const { clock, queue } = setUp()
    const due = async (): Promise<number> => {
      const from = clock.now()
      queue.addRateLimited('b')
      let at = -1
      const taken = queue.take().then(() => {
        at = clock.now()
      })
      await clock.advance(2_000_000)
      await taken
      queue.done('b')
      return at - from
    }
    expect([await due(), await due(), await due()]).toEqual([5, 10, 20])
    for (let failure = 3; failure < 18; failure++) await due()
    expect(await due()).toBe(1_000_000)
    queue.forget('b')
    expect(await due()).toBe(5)
  })

  it('of several delays for one key the earliest counts', async () => {
    const { clock, queue } = setUp()
    queue.addAfter('a', 100)
    queue.addAfter('a', 10)
    queue.addAfter('a', 50)
    const taken = queue.take()
    await clock.advance(10)
    expect(await taken).toBe('a')
    queue.done('a')
    let again = false
    void queue.take().then((key) => {
      again = key !== undefined
    })
    await clock.advance(1000)
    expect(again).toBe(false)
  })

  it('lets waiting workers go when it is stopped', async () => {
    const { queue } = setUp()
    const waiting = [queue.take(), queue.take()]
    queue.stop()
    expect(await Promise.all(waiting)).toEqual([undefined, undefined])
    queue.add('a')
    expect(await queue.take()).toBeUndefined()
  })

  it('counts depth, adds and retries by the names of controller-runtime', async () => {
    const { queue, metrics, clock } = setUp()
    queue.add('a')
    queue.add('b')
    queue.addRateLimited('a')
    await queue.take()
    await clock.advance(2000)
    queue.measure()
    await settle()
    const text = await metrics.registry.metrics()
    expect(text).toContain('workqueue_depth{name="test",controller="test"} 1')
    expect(text).toContain('workqueue_adds_total{name="test",controller="test"} 3')
    expect(text).toContain('workqueue_retries_total{name="test",controller="test"} 1')
    expect(text).toContain(
      'workqueue_longest_running_processor_seconds{name="test",controller="test"} 2',
    )
  })
})
