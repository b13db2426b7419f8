import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Forbidden, NotFound, Unavailable } from '../runtime/errors.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import type { K8sObject, Resource } from '../runtime/resources.ts'
import type { RestingStates } from './resting.ts'
import { RestingKeeper } from './resting-keeper.ts'
import { logTo } from './testing/test-cluster.ts'

const NAME = 'parley-manager-remembered'
const call = { verb: 'get', resource: 'configmaps' }
const digestOf = (text: string) => text.padEnd(16, '-')

/** An API server with one ConfigMap, if that. */
function setUp(content?: unknown) {
  const lines: string[] = []
  const clock = new FakeClock()
  const server = {
    ...{ content, version: 'v1' as string | undefined, written: [] as string[] },
    others: new Map<string, string>(),
    failure: undefined as Error | undefined,
  }
  const client = {
    async version() {
      if (server.version === undefined) throw new Unavailable('Unavailable', 503, call, 'away')
      return server.version
    },
    async get(_: Resource, __: string | undefined, name: string) {
      if (server.failure) throw server.failure
      const uid = server.others.get(name)
      if (uid !== undefined) return { metadata: { name, uid } } as never
      if (name !== NAME || server.content === undefined)
        throw new NotFound('NotFound', 404, call, 'not found')
      return server.content as never
    },
    async apply(_: Resource, __: string | undefined, name: string, body: string) {
      if (server.failure) throw server.failure
      server.content = JSON.parse(body)
      server.written.push(name)
      return server.content as K8sObject
    },
    async delete(_: Resource, __: string | undefined, name: string, uid: string) {
      if (server.others.get(name) === uid) server.others.delete(name)
    },
  }
  const start = (found: readonly string[] = []) => {
    let stored: readonly string[] = []
    let loads = 0
    const states = {
      build: 'build',
      load: (all: Iterable<string>) => {
        stored = [...all]
        loads++
      },
      noteStored: (all: Iterable<string>) => {
        stored = [...all]
      },
      unstored: (most: number) =>
        found.every((state) => stored.includes(state)) ? undefined : found.slice(0, most),
    } as unknown as RestingStates
    const where = { namespace: 'system', lease: 'parley-manager', clock, random: () => 0.5 }
    const keeper = new RestingKeeper({ client, states, log: logTo(lines), ...where })
    return { keeper, stored: () => stored, loads: () => loads }
  }
  const warnings = () => lines.filter((line) => line.includes('"level":40'))
  return { server, clock, lines, start, warnings }
}

describe('RestingKeeper', () => {
  it('REQ-K1: what one operator writes the next one reads, and writes no more', async () => {
    const { server, start, warnings } = setUp()
    const states = ['a', 'b'].map(digestOf)
    const first = start(states)
    await first.keeper.read()
    await first.keeper.write()
    await first.keeper.write()
    expect(server.written).toEqual([NAME])
    const second = start(states)
    await second.keeper.read()
    await second.keeper.write()
    expect(second.stored()).toEqual(states)
    // What is written is not taken for granted by that.
    expect([first.loads(), second.loads()]).toEqual([0, 1])
    expect(server.written).toEqual([NAME])
    const third = start([...states, digestOf('c')])
    await third.keeper.read()
    await third.keeper.write()
    expect(server.written).toEqual([NAME, NAME])
    expect(warnings()).toEqual([])
  })

  it('has no label by which the operator watches its children, and fits into a ConfigMap', async () => {
    const { server, start } = setUp()
    const { keeper } = start(Array.from({ length: 100_000 }, (_, index) => digestOf(String(index))))
    await keeper.read()
    await keeper.write()
    expect(JSON.stringify(server.content).length).toBeLessThan(900_000)
    expect(JSON.stringify(server.content)).not.toContain('managed-by')
  })

  it('REQ-K1: of another build takes nothing', async () => {
    const { start, lines } = setUp({
      data: { build: 'other', server: 'v1', states: digestOf('a') },
    })
    const { keeper, stored } = start()
    await keeper.read()
    expect(stored()).toEqual([])
    expect(lines.join()).toContain('another build')
  })

  it('REQ-K1: takes nothing that was found under another version of the API server', async () => {
    const { server, start, lines } = setUp()
    const first = start([digestOf('a')])
    await first.keeper.read()
    await first.keeper.write()
    server.version = 'v2'
    const second = start([digestOf('a')])
    await second.keeper.read()
    expect(second.stored()).toEqual([])
    expect(lines.join()).toContain('the API server is another one')
    await second.keeper.write()
    const third = start()
    await third.keeper.read()
    expect(third.stored()).toEqual([digestOf('a')])
  })

  it('REQ-K1: writes nothing while it is unknown under which version of the API server it was found', async () => {
    const { server, start, warnings } = setUp()
    server.version = undefined
    const { keeper } = start([digestOf('a')])
    await keeper.read()
    server.version = 'v1'
    await keeper.write()
    expect(server.written).toEqual([])
    expect(warnings()).toHaveLength(1)
  })

  it('REQ-K1: takes nothing of what is not as it writes it, and says so once', async () => {
    const text = fc.oneof(fc.string(), fc.constant(`${digestOf('a')} ${digestOf('b')} x`))
    const data = fc.oneof(
      fc.anything(),
      fc.record({ build: fc.constant('build'), server: fc.constant('v1') }),
      fc.record({ states: fc.constant(digestOf('a')) }),
      fc.record({
        build: fc.constant('build'),
        server: fc.constant('v1'),
        states: text.filter((text) => text !== '' && !/^[\w-]{16}( [\w-]{16})*$/.test(text)),
      }),
    )
    await fc.assert(
      fc.asyncProperty(data, async (data) => {
        const { start, warnings } = setUp({ data })
        const { keeper, stored } = start()
        await keeper.read()
        expect(stored()).toEqual([])
        expect(warnings()).toHaveLength(1)
      }),
    )
  })

  it.each([
    new Forbidden('Forbidden', 403, call, 'lacks the verb "get" on "configmaps"'),
    new Unavailable('Unavailable', 503, call, 'away'),
  ])('REQ-K1: goes on without it: $message', async (failure) => {
    const { server, start, warnings } = setUp()
    server.failure = failure
    const { keeper } = start([digestOf('a')])
    await keeper.read()
    await keeper.write()
    expect(warnings()).toHaveLength(2)
    expect(warnings().join()).toContain(failure.message.slice(0, 8))
    server.failure = undefined
    await keeper.write()
    expect(server.written).toEqual([NAME])
  })

  it('REQ-K1: takes away what another number of shards has left, and says what it may not', async () => {
    const { server, start, warnings } = setUp()
    const { keeper } = start()
    const [first, second, third] = [0, 1, 2].map((index) => `parley-manager-${index}-of-3`)
    for (const lease of [first, third]) server.others.set(`${lease}-remembered`, 'uid')
    server.others.set('parley-manager-0-of-4-remembered', 'uid')
    await keeper.remove([first, second, third] as string[])
    expect([...server.others.keys()]).toEqual(['parley-manager-0-of-4-remembered'])
    expect(warnings()).toEqual([])
    server.failure = new Forbidden('Forbidden', 403, call, 'lacks the verb "get" on "configmaps"')
    await keeper.remove(['parley-manager-0-of-4'])
    expect(warnings()).toHaveLength(1)
    expect(warnings().join()).toContain('parley-manager-0-of-4-remembered')
  })

  it('writes from time to time while there is something new, until it is told to stop', async () => {
    const { server, clock, start } = setUp()
    const found = [digestOf('a')]
    const { keeper } = start(found)
    await keeper.read()
    const stop = new AbortController()
    const running = keeper.run(stop.signal)
    await clock.advance(10 * 60_000)
    expect(server.written).toHaveLength(1)
    found.push(digestOf('b'))
    await clock.advance(10 * 60_000)
    expect(server.written).toHaveLength(2)
    stop.abort()
    await running
    found.push(digestOf('c'))
    await clock.advance(10 * 60_000)
    expect(server.written).toHaveLength(2)
  })
})
