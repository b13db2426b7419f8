import { describe, expect, it } from '@jest/globals'
import { FakeClock } from '../../runtime/fake-clock.ts'
import type { K8sObject, Resource } from '../../runtime/resources.ts'
import { MeterClient, type MeterTarget } from './meter-client.ts'
import { RelayPoller } from './relay.ts'

const target: MeterTarget = {
  key: 'meetings/demo',
  namespace: 'meetings',
  service: 'http:demo-meter:8090',
  tokenSecret: 'demo-meter-token',
}
const figures = { allocations: 2, users: 2, currency: 'USD', costPerHour: 0.25, monthToDate: 12 }

function setUp() {
  const state = {
    token: 'one',
    answer: figures as unknown,
    targets: [target],
    asked: [] as string[],
    rooms: undefined as number | undefined,
  }
  const changes: string[] = []
  const clock = new FakeClock()
  const client = {
    async get<T extends K8sObject>(_: Resource, __: string | undefined, name: string) {
      state.asked.push(name)
      const token = Buffer.from(state.token).toString('base64')
      return { metadata: { name }, data: { token } } as unknown as T
    },
    async proxyGet<T>(_: string, __: string, path: string, headers: Record<string, string>) {
      state.asked.push(`${path} ${headers['x-parley-token']}`)
      if (headers['x-parley-token'] !== state.token) throw new Error('401: wrong token')
      if (state.answer instanceof Error) throw state.answer
      return state.answer as T
    },
  }
  const poller = new RelayPoller({
    meter: new MeterClient(client),
    targets: () => state.targets,
    rooms: async () => state.rooms,
    random: () => 0,
    onChange: (key) => changes.push(key),
    clock,
  })
  return { poller, state, changes, clock }
}

describe('RelayPoller', () => {
  it('REQ-K6: reads the meter every 10 s with its token, and tells of changes only', async () => {
    const { poller, state, changes, clock } = setUp()
    const stop = new AbortController()
    const run = poller.run(stop.signal)
    await clock.advance(25_000)
    expect(state.asked).toEqual(['demo-meter-token', ...Array(3).fill('/summary one')])
    expect(changes).toEqual(['meetings/demo'])
    expect(poller.reading('meetings/demo')).toEqual({
      summary: {
        allocations: 2,
        users: 2,
        currency: 'USD',
        costPerHour: '0.2500',
        monthToDate: '12.0000',
      },
    })
    state.answer = { ...figures, users: 3 }
    await clock.advance(10_000)
    expect(changes).toHaveLength(2)
    stop.abort()
    await run
  })

  it('REQ-K6: tells of a cost that grows little by little now and then, of what people do at once', async () => {
    const { poller, state, changes, clock } = setUp()
    const poll = async (monthToDate: number, more: object = {}) => {
      state.answer = { ...figures, monthToDate, ...more }
      await poller.pollAll()
      return changes.length
    }
    expect(await poll(12)).toBe(1)
    expect(await poll(12.1)).toBe(1)
    expect(poller.reading(target.key)?.summary?.monthToDate).toBe('12.1000')
    // Against what was told, not against what was read last.
    expect(await poll(12.2)).toBe(2)
    expect(await poll(12.2001)).toBe(2)
    expect(await poll(12.2001, { users: 3 })).toBe(3)
    expect(await poll(12.2001, { users: 3, forecast: 20 })).toBe(4)
    await clock.advance(10 * 60_000)
    expect(await poll(12.2001, { users: 3, forecast: 20 })).toBe(4)
    expect(await poll(12.2002, { users: 3, forecast: 20 })).toBe(5)
    expect(await poll(0, { users: 3, forecast: 20 })).toBe(6)
  })

  it('REQ-K6: a meter that fails leaves the last figures, with the reason; told once', async () => {
    const { poller, state, changes } = setUp()
    await poller.pollAll()
    state.answer = new Error('connection refused')
    await poller.pollAll()
    await poller.pollAll()
    expect(poller.reading(target.key)).toMatchObject({
      summary: { users: 2 },
      error: 'connection refused',
    })
    expect(changes).toHaveLength(2)
    state.answer = { nonsense: true }
    await poller.pollAll()
    expect(poller.reading(target.key)?.error).toBe('the answer is not a summary')
  })

  it('REQ-K5: passes on what keeps the meter from its work, and keeps the cost it last knew', async () => {
    const { poller, state, changes } = setUp()
    await poller.pollAll()
    const { costPerHour, monthToDate, ...rest } = figures
    state.answer = { ...rest, troubles: { store: 'away' } }
    await poller.pollAll()
    await poller.pollAll()
    expect(poller.reading(target.key)).toMatchObject({
      summary: { monthToDate: '12.0000' },
      troubles: { store: 'away' },
    })
    expect(changes).toHaveLength(2)
    state.answer = figures
    await poller.pollAll()
    expect(poller.reading(target.key)).not.toHaveProperty('troubles')
    expect([costPerHour, monthToDate]).toEqual([0.25, 12])
  })

  it('a meter that answers nonsense at length makes no long status', async () => {
    const { poller, state } = setUp()
    state.answer = { ...figures, currency: 'EUR\u001b[2J'.repeat(10_000) }
    await poller.pollAll()
    expect(poller.reading(target.key)?.summary?.currency).toBe('EUR [2JEUR [2JE…')
  })

  it('REQ-K6: tells of rooms that open and close, also while the meter does not answer', async () => {
    const { poller, state, changes } = setUp()
    state.answer = new Error('connection refused')
    state.rooms = 3
    await poller.pollAll()
    expect(poller.reading(target.key)).toEqual({ rooms: 3, error: 'connection refused' })
    state.rooms = 0
    await poller.pollAll()
    await poller.pollAll()
    expect(poller.reading(target.key)?.rooms).toBe(0)
    expect(changes).toHaveLength(2)
  })

  it('reads each meter of a large fleet less often', async () => {
    const { poller, state, clock } = setUp()
    state.targets = Array.from({ length: 1000 }, (_, i) => ({ ...target, key: `meetings/m${i}` }))
    const stop = new AbortController()
    const run = poller.run(stop.signal)
    await clock.advance(45_000)
    const first = state.asked.filter((line) => line.startsWith('/summary')).length
    await clock.advance(10_000)
    const second = state.asked.filter((line) => line.startsWith('/summary')).length
    expect([first, second]).toEqual([1000, 2000])
    stop.abort()
    await run
  })

  it('REQ-K3: takes up a rotated token by itself', async () => {
    const { poller, state } = setUp()
    await poller.pollAll()
    state.token = 'two'
    await poller.pollAll()
    await poller.pollAll()
    expect(poller.reading(target.key)?.error).toBeUndefined()
    expect(state.asked.at(-1)).toBe('/summary two')
  })

  it('forgets meters that are gone', async () => {
    const { poller, state } = setUp()
    await poller.pollAll()
    state.targets = []
    await poller.pollAll()
    expect(poller.reading(target.key)).toBeUndefined()
  })

  it('REQ-K1: asks no further meter once it is to stop, however many there are', async () => {
    const { poller, state } = setUp()
    const stop = new AbortController()
    state.targets = Array.from({ length: 50 }, (_, index) => ({ ...target, key: `n${index}/demo` }))
    const run = poller.run(stop.signal)
    stop.abort()
    await run
    expect(state.asked.length).toBeLessThan(10)
  })
})
