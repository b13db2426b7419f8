import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import pino from 'pino'
import { meetingCluster } from '../api/testing/specs.ts'
import { claimNames, defaultRenderInputs } from '../render/index.ts'
import { Controller } from '../runtime/controller.ts'
import { Forbidden, Unavailable } from '../runtime/errors.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { CONFIG_MAPS } from '../runtime/resources.ts'
import { Store } from '../runtime/store.ts'
import { projectChild } from './observed.ts'
import { type Given, RestingStates } from './resting.ts'
import { InMemoryCluster, LOOK_AGAIN_MS, type Loose } from './testing/in-memory.ts'

jest.setTimeout(240_000)

/** What an operator leaves to the next one: every state that it ever found, as if nothing was ever forgotten. */
class Memory {
  readonly #stored = new Set<string>()
  #states = new RestingStates('build')

  start(cluster: InMemoryCluster, build = 'build') {
    for (const state of this.#states.unstored() ?? []) this.#stored.add(state)
    this.#states = new RestingStates(build)
    this.#states.load(this.#stored)
    return cluster.operator(this.#states)
  }
}

async function rested() {
  const cluster = new InMemoryCluster(meetingCluster())
  cluster.node('n1', '198.51.100.7')
  cluster.pod('turn', 'n1', true)
  const memory = new Memory()
  await cluster.settle(memory.start(cluster))
  return { cluster, memory }
}

/** A value of ours is another one, and the field no longer ours: so server-side apply says it. */
const edited = (object: Loose) => {
  const fields = object.metadata.managedFields?.[0]?.fieldsV1 as Record<string, unknown>
  delete fields['f:data']
  delete fields['f:spec']
  object.data = { mine: 'yes' }
}

const extra = (owner: string, name: string): Loose => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...{ name, namespace: 'meetings', labels: { 'app.kubernetes.io/managed-by': 'parley' } },
    ownerReferences: [
      { apiVersion: 'v', kind: 'MeetingCluster', name: 'demo', uid: owner, controller: true },
    ],
  },
})

const OWNER = 'uid-of-owner'
const CALL = { verb: 'patch', resource: 'configmaps' }

/** By name: what hands do to children. All of it is undone by a pass that compares. */
const HANDS: Record<string, (cluster: InMemoryCluster, key: string) => void> = {
  'an edit': (cluster, key) => cluster.change(key, edited),
  'a hash that is gone': (cluster, key) =>
    cluster.change(key, ({ metadata }) => delete metadata.annotations?.['parley.dev/hash']),
  'a deletion': (cluster, key) => cluster.remove(key),
  'an owner taken away': (cluster, key) =>
    cluster.change(key, (object) => {
      delete object.metadata.ownerReferences
      edited(object)
    }),
  'a child too many': (cluster) => cluster.put(extra(OWNER, 'demo-more')),
}

const CHILDREN = [
  'ConfigMap/demo-turn-config',
  'Deployment/demo-turn',
  'NetworkPolicy/demo-redis',
  'Secret/demo-join-key',
  'Service/demo-meter',
  'StatefulSet/demo-redis',
]

describe('what was found at rest', () => {
  it('REQ-K1: costs the next operator no request, and one of another build a full pass', async () => {
    const { cluster, memory } = await rested()
    cluster.requests = 0
    await cluster.settle(memory.start(cluster))
    expect(cluster.requests).toBe(0)
    await cluster.settle(memory.start(cluster, 'another build'))
    expect(cluster.requests).toBeGreaterThan(0)
    expect(cluster.names.length).toBeGreaterThan(25)
  })

  describe.each(Object.entries(HANDS))('REQ-K1: with %s', (_, act) => {
    it.each(CHILDREN)('while the operator was down, %s is as it was', async (key) => {
      const { cluster, memory } = await rested()
      const before = cluster.wishes()
      act(cluster, key)
      expect(cluster.wishes()).not.toEqual(before)
      await cluster.settle(memory.start(cluster))
      // A Secret is made anew with other content, and so are those that are made from it.
      if (key.startsWith('Secret/')) expect(cluster.names).toEqual(Object.keys(before))
      else expect(cluster.wishes()).toEqual(before)
    })
  })

  it('REQ-K1: with an owner who is somebody else, is said and left alone', async () => {
    const { cluster, memory } = await rested()
    cluster.change('ConfigMap/demo-turn-config', ({ metadata }) => {
      metadata.ownerReferences = extra('else', '').metadata.ownerReferences ?? []
    })
    const writes = cluster.writes
    await cluster.settle(memory.start(cluster))
    expect(JSON.stringify(cluster.status)).toContain('ConfigMap demo-turn-config exists and is not')
    // The status alone.
    expect(cluster.writes).toBe(writes + 1)
  })

  it('REQ-K1: with pods that somebody keeps from being replaced, everything is compared every time', async () => {
    const { cluster, memory } = await rested()
    cluster.change('Deployment/demo-webapp', ({ spec }) => {
      spec.paused = true
    })
    await cluster.settle(memory.start(cluster))
    cluster.requests = 0
    await cluster.settle(memory.start(cluster))
    expect(cluster.requests).toBeGreaterThan(0)
  })

  it('REQ-K1: a claim that outlives its owner is part of it', async () => {
    const mc = meetingCluster({ store: { deletionPolicy: 'Retain' } })
    const cluster = new InMemoryCluster(mc)
    const name = claimNames(mc).meter
    // As one that is there from before, which says that there is storage.
    const labels = { 'parley.dev/cluster': 'demo' }
    cluster.put({
      kind: 'PersistentVolumeClaim',
      metadata: { ...{ name, namespace: 'meetings' }, labels },
    })
    const memory = new Memory()
    await cluster.settle(memory.start(cluster))
    const before = cluster.wishes()
    cluster.requests = 0
    await cluster.settle(memory.start(cluster))
    expect(cluster.requests).toBe(0)
    cluster.change(`PersistentVolumeClaim/${name}`, edited)
    await cluster.settle(memory.start(cluster))
    expect(cluster.wishes()).toEqual(before)
  })

  it('REQ-K1: a wish, a node and a pod that are other ones are acted upon', async () => {
    const { cluster, memory } = await rested()
    const changes = [
      () => cluster.spec({ webapp: { ...meetingCluster().spec.webapp, replicas: 5 } }),
      () => cluster.node('n1', '198.51.100.8'),
      () => {
        cluster.node('n2', '198.51.100.9')
        cluster.pod('turn', 'n2', true)
      },
    ]
    for (const change of changes) {
      const before = cluster.wishes()
      change()
      await cluster.settle(memory.start(cluster))
      expect(cluster.wishes()).not.toEqual(before)
    }
  })
})

const { signal } = new AbortController()

it('REQ-K1: after a write it is looked a while later whether there is nothing left to do', async () => {
  const { cluster, memory } = await rested()
  const operator = memory.start(cluster)
  const isLookedAtAgain = async () =>
    (await operator(InMemoryCluster.KEY, signal)).requeueAfterMs === LOOK_AGAIN_MS
  expect(await isLookedAtAgain()).toBe(false)
  cluster.change('ConfigMap/demo-turn-config', edited)
  expect(await isLookedAtAgain()).toBe(true)
  expect(await isLookedAtAgain()).toBe(false)
})

describe('an operator that ends early', () => {
  const restingOf = (...more: string[]) => {
    const resting = new RestingStates('build')
    resting.expect([InMemoryCluster.KEY, ...more])
    return resting
  }

  it('REQ-K1: has nothing to store before each MeetingCluster had its pass, also one that is gone by then', async () => {
    const { cluster } = await rested()
    const resting = restingOf('meetings/gone')
    const operator = cluster.operator(resting)
    await cluster.settle(operator)
    expect(resting.unstored()).toBeUndefined()
    await operator('meetings/gone', signal)
    expect(resting.unstored()).toHaveLength(1)
  })

  it.each([
    ['a', 'is away', new Unavailable('Unavailable', 503, CALL, 'away'), false],
    ['no', 'forbids it', new Forbidden('Forbidden', 403, CALL, 'no'), true],
  ])('REQ-K1: has %s pass to wait for where the API server %s', async (_, __, error, counts) => {
    const { cluster } = await rested()
    const resting = restingOf()
    const passed = jest.spyOn(resting, 'passed')
    const operator = cluster.operator(resting)
    jest.spyOn(resting, 'look').mockImplementation(() => {
      throw error
    })
    await expect(operator(InMemoryCluster.KEY, signal)).rejects.toBe(error)
    expect(passed.mock.calls).toHaveLength(counts ? 1 : 0)
  })
})

describe('RestingStates', () => {
  function setUp() {
    const store = new Store({ project: projectChild })
    let version = 0
    const put = () => {
      const object = extra(OWNER, 'demo-config')
      store.upsert({ ...object, metadata: { ...object.metadata, resourceVersion: `${++version}` } })
      return object
    }
    const kind = { resource: CONFIG_MAPS, store, problem: () => problem }
    let problem: Error | undefined
    const kinds = new Map([['ConfigMap', kind]])
    const { metadata, ...rest } = meetingCluster()
    const cluster = { ...rest, metadata: { ...metadata, uid: OWNER } } as Given['cluster']
    const states = new RestingStates('build')
    const given = { cluster, inputs: defaultRenderInputs(), secrets: [] }
    return {
      states,
      put,
      wanted: [{ kind, object: put() }],
      look: () => states.look('meetings/demo', given, kinds),
      deny: () => {
        problem = new Error('forbidden')
      },
    }
  }
  const UNCHANGED = [{ result: 'unchanged' as const }]
  const APPLIED = [{ result: 'applied' as const }]

  it('REQ-K1: looks once more after each write, and not for ever', () => {
    const { look, wanted } = setUp()
    const looks = () => Array.from({ length: 20 }, () => look().settle(wanted, APPLIED))
    expect(looks()).toEqual([...Array(10).fill(true), ...Array(10).fill(false)])
    expect(look().settle(wanted, UNCHANGED)).toBe(false)
    expect(look().atRest).toBe(true)
  })

  it('REQ-K1: remembers no pass while which something changed, though it is the same again', () => {
    const { look, wanted, put } = setUp()
    const first = look()
    put()
    expect(first.settle(wanted, UNCHANGED)).toBe(true)
    expect(look().atRest).toBe(false)
    look().settle(wanted, UNCHANGED)
    expect(look().atRest).toBe(true)
  })

  it('REQ-K1: remembers no pass in which something failed, was somebody else’s, or was of no known owner', () => {
    const { look, wanted } = setUp()
    const stranger = { ...wanted[0], object: extra('else', 'demo-other') } as (typeof wanted)[0]
    expect(look().settle(wanted, [{ result: 'failed', error: new Error() }])).toBe(false)
    expect(look().settle(wanted, [{ result: 'foreign', message: '' }])).toBe(false)
    look().settle([...wanted, stranger], UNCHANGED)
    expect(look().atRest).toBe(false)
  })

  it('REQ-K1: leaves nothing out while a kind cannot be watched', () => {
    const { look, wanted, deny } = setUp()
    look().settle(wanted, UNCHANGED)
    expect(look().atRest).toBe(true)
    deny()
    expect(look().atRest).toBe(false)
  })

  it('REQ-K1: leaves nothing out once it is doubted, until it has been found again', () => {
    const { states, look, wanted } = setUp()
    look().settle(wanted, UNCHANGED)
    const all = states.unstored() ?? []
    states.load(all)
    states.doubt()
    expect(look().atRest).toBe(false)
    // What was stored is as good as before for the next operator.
    expect(states.unstored()).toBeUndefined()
    look().settle(wanted, UNCHANGED)
    expect(look().atRest).toBe(true)
    expect(states.unstored()).toBeUndefined()
  })

  it('REQ-K1: takes nothing for granted that is doubted while it is being stored', () => {
    const { states, look, wanted } = setUp()
    look().settle(wanted, UNCHANGED)
    const all = states.unstored() ?? []
    states.doubt()
    states.noteStored(all)
    expect(look().atRest).toBe(false)
    expect(states.unstored()).toBeUndefined()
  })

  it('REQ-K1: has nothing to store until all had a pass: a part would take the place of the whole', () => {
    const { states, look, wanted } = setUp()
    states.load(['what', 'there', 'was'])
    const keys = ['meetings/demo', 'meetings/other']
    states.expect(keys)
    look().settle(wanted, UNCHANGED)
    states.passed('meetings/demo')
    expect(states.unstored()).toBeUndefined()
    states.passed('meetings/other')
    expect(states.unstored()).toHaveLength(1)
    // All are compared again.
    states.doubt()
    states.expect(keys)
    look().settle(wanted, UNCHANGED)
    states.passed('meetings/demo')
    expect(states.unstored()).toBeUndefined()
  })

  it('REQ-K1: one that fails for ever keeps the others from being stored for half a minute only', async () => {
    const { states, look, wanted } = setUp()
    states.expect(['meetings/demo', 'meetings/other'])
    look().settle(wanted, UNCHANGED)
    states.passed('meetings/demo')
    const clock = new FakeClock()
    const controller = new Controller({
      ...{ name: 'test', clock, metrics: createMetrics(), log: pino({ level: 'silent' }) },
      async reconcile(key) {
        states.failed(key)
        throw new Unavailable('Unavailable', 0, CALL, 'ECONNREFUSED')
      },
    })
    const stop = new AbortController()
    const work = controller.run(stop.signal)
    controller.queue.add('meetings/other')
    const storedAfter = async () => {
      while (!states.unstored() && clock.now() < 60_000) await clock.advance(50)
      return clock.now()
    }
    expect(await storedAfter()).toBeGreaterThan(25_000)
    expect(clock.now()).toBeLessThan(35_000)
    expect(states.unstored()).toHaveLength(1)
    stop.abort()
    await work
    // When all are to be looked at again, so is that one.
    states.expect(['meetings/other'])
    states.failed('meetings/other')
    expect(states.unstored()).toBeUndefined()
  })

  it('REQ-K1: what was stored stays stored beside what is new, while somebody who fails may be in it', () => {
    const { states, look, wanted } = setUp()
    states.load(['of-before'])
    states.expect(['meetings/demo', 'meetings/other'])
    look().settle(wanted, UNCHANGED)
    states.passed('meetings/demo')
    for (let failure = 0; failure < 16; failure++) states.failed('meetings/other')
    const stored = states.unstored()
    expect(stored).toHaveLength(2)
    expect(stored).toContain('of-before')
    // Once it has had its pass, all is known of it.
    states.passed('meetings/other')
    expect(states.unstored()).toHaveLength(1)
    expect(states.unstored()).not.toContain('of-before')
  })

  it('has nothing to store that is stored, or of what is gone', () => {
    const { states, look, wanted } = setUp()
    look().settle(wanted, UNCHANGED)
    const all = states.unstored() ?? []
    expect(all).toHaveLength(1)
    states.load(all)
    expect(states.unstored()).toBeUndefined()
    states.load([])
    states.forget('meetings/demo')
    expect(states.unstored()).toBeUndefined()
  })
})

const child = fc.nat().map((index) => (names: string[]) => names[index % names.length] ?? '')
const step = fc.oneof(
  fc
    .tuple(fc.constantFrom(...Object.keys(HANDS)), child)
    .map(([hand, pick]) => (cluster: InMemoryCluster) => {
      HANDS[hand]?.(cluster, pick(cluster.names))
    }),
  child.map((pick) => (cluster: InMemoryCluster) => {
    cluster.change(pick(cluster.names), ({ metadata }) => {
      metadata.ownerReferences = extra('else', '').metadata.ownerReferences ?? []
    })
  }),
  child.map((pick) => (cluster: InMemoryCluster) => {
    const key = pick(cluster.names.filter((name) => name.startsWith('Deployment/')))
    cluster.change(key, (object) => {
      object.spec.paused = object.spec.paused ? undefined : true
      object.status = { replicas: 1, readyReplicas: 1, updatedReplicas: 1, observedGeneration: 1 }
    })
  }),
  fc
    .record({ webapp: fc.integer({ min: 1, max: 2 }), tag: fc.constantFrom('', '2') })
    .map(({ webapp, tag }) => (cluster: InMemoryCluster) => {
      const { spec } = meetingCluster({ webapp: { replicas: webapp }, image: { tag } })
      cluster.spec({ webapp: spec.webapp, image: spec.image })
    }),
  fc.tuple(fc.constantFrom('n1', 'n2'), fc.integer({ min: 1, max: 3 })).map(
    ([name, last]) =>
      (cluster: InMemoryCluster) =>
        cluster.node(name, `198.51.100.${last}`),
  ),
  fc
    .tuple(fc.constantFrom('turn', 'signaling'), fc.constantFrom('n1', 'n2'), fc.boolean())
    .map(([component, node, ready]) => (cluster: InMemoryCluster) => {
      cluster.pod(component, node, ready)
    }),
  fc
    .constantFrom(60_000, 15 * 24 * 3600_000, 60 * 24 * 3600_000)
    .map((ms) => (cluster: InMemoryCluster) => cluster.clock.advance(ms)),
)

describe('Property: what is left out', () => {
  it('REQ-K1: a full pass after it finds nothing to do and has the same to say, whatever was done before, over any number of restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fc.boolean()), { minLength: 1, maxLength: 5 }),
        async (steps) => {
          const cluster = new InMemoryCluster(meetingCluster())
          const memory = new Memory()
          let operator = memory.start(cluster)
          await cluster.settle(operator)
          for (const [act, restarts] of steps) {
            await act(cluster)
            if (restarts) operator = memory.start(cluster)
            await cluster.settle(operator)
            const { writes, status } = cluster
            await cluster.compare()
            expect(cluster.writes).toBe(writes)
            expect(cluster.status).toEqual(status)
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})
