import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  adoptedRotation,
  changeList,
  initialRotation,
  planRotation,
  type RotationPolicy,
  type RotationState,
  rotationAnnotations,
  rotationOf,
} from './rotation.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** What the margin has to cover, in the world of these tests. */
const WRITE = 30 * SECOND
const PROPAGATION = 2 * MINUTE
const SKEW = MINUTE
const MARGIN = WRITE + PROPAGATION + SKEW

const policy = (over: Partial<RotationPolicy> = {}): RotationPolicy => ({
  periodMs: 24 * HOUR,
  ttlMs: HOUR,
  marginMs: MARGIN,
  spread: 0,
  demand: '',
  ...over,
})

interface Version {
  list: string[]
  /** By reader: from when it sees this version. */
  seenAt: number[]
}

interface Credential {
  key: string
  from: number
  until: number
}

/** A pod that reads the list once. */
interface Pod {
  generation: number
  accepts: string[]
  from: number
  until: number
}

/** One thing that happens, `after` ms after the one before; the other numbers are used where they matter. */
interface Happening {
  what: 'reconcile' | 'wake' | 'mint' | 'ttl' | 'period' | 'demand' | 'scale'
  after: number
  write: number
  skew: number
  delays: number[]
  value: number
}

const READERS = 3
const MINTER = 0

const happening = fc.record<Happening>({
  // Reconciles come for any reason, or when they were asked for.
  what: fc.constantFrom(
    'reconcile',
    'wake',
    'wake',
    'mint',
    'mint',
    'ttl',
    'period',
    'demand',
    'scale',
  ),
  // Often little time passes; sometimes the operator is down for a day.
  after: fc.oneof(
    fc.integer({ min: 0, max: 5 * SECOND }),
    fc.integer({ min: 0, max: 2 * MARGIN }),
    fc.integer({ min: 0, max: 3 * HOUR }),
    fc.integer({ min: 0, max: 30 * HOUR }),
  ),
  write: fc.integer({ min: 0, max: WRITE }),
  skew: fc.integer({ min: 0, max: SKEW }),
  delays: fc.array(fc.integer({ min: 0, max: PROPAGATION }), {
    minLength: READERS,
    maxLength: READERS,
  }),
  value: fc.integer({ min: 0, max: 1000 }),
})

/**
 * Plays an operator, a Secret, and readers that see what is written late: reader 0 makes credentials, all of them
 * accept. With `pods`, those who accept read once, when they start, and are replaced one after the other.
 */
function play(happenings: Happening[], { pods: withPods = false, marginMs = MARGIN } = {}) {
  let now = 0
  let next = 0
  const fresh = () => `key-${next++}`
  let spec = policy({ marginMs })
  let state: RotationState = initialRotation(spec, now)
  let wakeAt = 0
  const versions: Version[] = [{ list: [fresh()], seenAt: Array(READERS).fill(0) }]
  const ttls: Version['seenAt'][] = [[0, spec.ttlMs]]
  const credentials: Credential[] = []
  const rotations: number[] = []
  const pods: Pod[] = [0, 1].map(() => newPod(0, 0, 0))

  function view(reader: number, at: number): string[] {
    return versions.findLast(({ seenAt }) => (seenAt[reader] ?? 0) <= at)?.list ?? []
  }
  function newPod(generation: number, from: number, reader: number): Pod {
    return { generation, accepts: view(reader, from), from, until: Number.POSITIVE_INFINITY }
  }
  const alive = () => pods.filter(({ until }) => until > now)

  function reconcile({ write, skew, delays, value }: Happening) {
    const given: RotationPolicy = withPods
      ? { ...spec, rolled: (wanted) => alive().every(({ generation }) => generation >= wanted) }
      : spec
    const plan = planRotation(rotationOf(rotationAnnotations(state)), given, now + skew)
    const changed = JSON.stringify(plan.state) !== JSON.stringify(state)
    wakeAt = now + plan.wakeInMs
    if (changed) {
      now += write
      const before = versions.at(-1)
      const list = changeList(before?.list ?? [], plan.change, fresh)
      const seenAt = delays.map((delay, reader) =>
        Math.max(now + delay, before?.seenAt[reader] ?? 0),
      )
      if (plan.change === 'promote') rotations.push(now)
      versions.push({ list, seenAt })
      state = plan.state
    }
    // What the spec says besides comes after the Secret.
    ttls.push([now + (delays[MINTER] ?? 0), given.ttlMs])
    const old = alive().filter(({ generation }) => generation < state.generation)
    for (const pod of old.slice(0, 1)) {
      // The new one is there first, and the old one takes its time.
      pods.push(newPod(state.generation, now, value % READERS))
      pod.until = now + value * 10 * SECOND
    }
  }

  for (const event of happenings) {
    now = event.what === 'wake' ? Math.max(now, wakeAt) + (event.after % MINUTE) : now + event.after
    switch (event.what) {
      case 'reconcile':
      case 'wake':
        reconcile(event)
        break
      case 'mint': {
        const [key] = view(MINTER, now)
        const [, ttl = 0] = ttls.findLast(([seen = 0]) => seen <= now) ?? []
        credentials.push({ key: key ?? '', from: now, until: now + ttl })
        break
      }
      case 'ttl':
        spec = { ...spec, ttlMs: (1 + event.value) * MINUTE }
        break
      case 'period':
        spec = { ...spec, periodMs: (1 + event.value) * MINUTE }
        break
      case 'demand':
        spec = { ...spec, demand: String(event.value % 3) }
        break
      case 'scale':
        pods.push(newPod(state.generation, now, event.value % READERS))
    }
  }

  const refusals = credentials.filter((credential) =>
    withPods
      ? pods.some((pod) => overlaps(pod, credential) && !pod.accepts.includes(credential.key))
      : refusedByFollower(versions, credential),
  )
  return { refusals, rotations, versions, credentials }
}

function overlaps(pod: Pod, { from, until }: Credential): boolean {
  return pod.from <= until && from <= pod.until
}

function refusedByFollower(versions: Version[], { key, from, until }: Credential): boolean {
  return Array.from({ length: READERS }, (_, reader) => reader).some((reader) =>
    versions.some((version, index) => {
      const begins = version.seenAt[reader] ?? 0
      const ends = versions[index + 1]?.seenAt[reader] ?? Number.POSITIVE_INFINITY
      const seen = begins < ends && begins <= until && from < ends
      return seen && !version.list.includes(key)
    }),
  )
}

const lives = fc.array(happening, { minLength: 1, maxLength: 120, size: 'max' })

describe('rotation', () => {
  it('REQ-K3: every credential is accepted by every reader for its whole life, whatever is late', () => {
    fc.assert(
      fc.property(lives, (happenings) => {
        expect(play(happenings).refusals).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('REQ-K3: also where those who accept read once, when they start, and leave late', () => {
    fc.assert(
      fc.property(lives, (happenings) => {
        expect(play(happenings, { pods: true }).refusals).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it.each([false, true])('that holds because of the margin (pods: %s)', (pods) => {
    const found = fc.check(
      fc.property(lives, (h) => play(h, { pods, marginMs: SECOND }).refusals.length === 0),
      { numRuns: 3000, seed: 1 },
    )
    expect(found.failed).toBe(true)
  })

  it('REQ-K3: never more than two entries, and none of them twice', () => {
    fc.assert(
      fc.property(lives, (happenings) => {
        const { versions } = play(happenings)
        for (const { list } of versions) expect(new Set(list).size).toBe(list.length)
        expect(Math.max(...versions.map(({ list }) => list.length))).toBeLessThanOrEqual(2)
      }),
    )
  })

  it('REQ-K3: who looks when told to replaces each entry before it is older than the period', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), (spread) => {
        const wanted = policy({ spread })
        let state = initialRotation(wanted, 0)
        let now = 0
        for (let step = 0; step < 40; step++) {
          const { state: next, wakeInMs } = planRotation(state, wanted, now)
          expect(now - next.rotatedAt).toBeLessThanOrEqual(wanted.periodMs + MARGIN)
          expect(wakeInMs).toBeGreaterThan(0)
          state = next
          now += wakeInMs
        }
        expect(state.rotatedAt).toBeGreaterThan(10 * 24 * HOUR)
      }),
    )
  })

  it('the steps of one rotation, with their times', () => {
    const wanted = policy()
    let state = initialRotation(wanted, 0)
    let list = ['a']
    const steps = []
    let now = 0
    for (let step = 0; step < 4; step++) {
      const plan = planRotation(state, wanted, now)
      list = changeList(list, plan.change, () => 'b')
      state = plan.state
      steps.push([now / MINUTE, state.step, list.join(' ')])
      now += plan.wakeInMs
    }
    const period = 24 * 60
    const margin = MARGIN / MINUTE
    expect(steps).toEqual([
      [0, 'Idle', 'a'],
      [period, 'Introduced', 'a b'],
      [period + margin, 'Retiring', 'b a'],
      [period + 2 * margin + 60, 'Idle', 'b'],
    ])
  })

  it('nothing is due, nothing changes: not the state either', () => {
    const state = initialRotation(policy(), 0)
    const plan = planRotation(state, policy(), HOUR)
    expect(plan).toEqual({ state, change: 'none', wakeInMs: 23 * HOUR })
  })

  it('a demand is met once for each value, and again where it comes while one is met', () => {
    const demanded = policy({ demand: 'leak-1' })
    const first = planRotation(initialRotation(policy(), 0), demanded, 1)
    expect(first).toMatchObject({ change: 'introduce', state: { demanded: true } })
    const second = planRotation(first.state, policy({ demand: 'leak-2' }), MARGIN + 1)
    expect(second.change).toBe('promote')
    const retired = planRotation(second.state, policy({ demand: 'leak-2' }), 3 * HOUR)
    expect(retired).toMatchObject({ change: 'retire', wakeInMs: 0 })
    const again = planRotation(retired.state, policy({ demand: 'leak-2' }), 3 * HOUR)
    expect(again.change).toBe('introduce')
    const settled = { ...retired.state, demand: 'leak-2' }
    expect(planRotation(settled, policy({ demand: 'leak-2' }), 3 * HOUR).change).toBe('none')
    expect(planRotation(settled, policy(), 3 * HOUR).change).toBe('none')
  })

  it('readers that read once are restarted once; twice where the rotation was demanded', () => {
    const rolled = () => true
    const through = (wanted: RotationPolicy) => {
      let state = initialRotation(policy(), 0)
      let now = 25 * HOUR
      for (let step = 0; step < 4; step++) {
        state = planRotation(state, wanted, now).state
        now += 2 * HOUR
      }
      return state
    }
    expect(through(policy({ rolled }))).toMatchObject({ step: 'Idle', generation: 1 })
    expect(through(policy({ rolled, demand: 'x' }))).toMatchObject({ step: 'Idle', generation: 2 })
  })

  it('a clock that was far ahead stops nothing for long', () => {
    const ahead = initialRotation(policy(), 1000 * HOUR)
    const { state } = planRotation(ahead, policy(), HOUR)
    expect(state).toMatchObject({ since: HOUR, rotatedAt: HOUR })
    const introduced = planRotation(initialRotation(policy(), 0), policy(), 1000 * HOUR).state
    const back = planRotation(introduced, policy(), HOUR)
    expect(back).toMatchObject({ change: 'none', wakeInMs: MARGIN + 24 * HOUR })
  })

  it('nothing is dropped early because a clock was behind for a while', () => {
    const retiring = {
      ...initialRotation(policy(), 100 * HOUR),
      step: 'Retiring' as const,
      holdMs: MARGIN + HOUR,
    }
    const due = 100 * HOUR + MARGIN + HOUR
    // As much as that clock is behind, what it wrote has to be waited for longer.
    const behind = planRotation(retiring, policy(), 90 * HOUR)
    expect(behind.change).toBe('none')
    expect(planRotation(behind.state, policy(), due - 1).change).toBe('none')
    expect(planRotation(behind.state, policy(), due).change).toBe('retire')
  })

  it('a list of which nothing is known keeps all its entries for a life', () => {
    const adopted = planRotation(undefined, policy(), 0)
    expect(adopted).toMatchObject({ change: 'none', wakeInMs: MARGIN + HOUR })
    expect(planRotation(adopted.state, policy(), MARGIN + HOUR).change).toBe('retire')
    const last = { ...initialRotation(policy(), 0), ttlMs: 5 * HOUR, demand: 'd', generation: 3 }
    expect(adoptedRotation(policy(), 0, last)).toMatchObject({
      holdMs: MARGIN + 5 * HOUR,
      demand: 'd',
      generation: 4,
    })
  })

  it('annotations say a state and give it back; nonsense is no state', () => {
    const state = planRotation(initialRotation(policy(), 0), policy({ demand: 'x' }), 5).state
    expect(rotationOf(rotationAnnotations(state))).toEqual(state)
    const good = rotationAnnotations(state)
    expect(rotationOf(undefined)).toBeUndefined()
    expect(rotationOf({ ...good, 'parley.dev/rotated-at': 'yesterday' })).toBeUndefined()
    expect(rotationOf({ ...good, 'parley.dev/rotation': '{"step":"Done"}' })).toBeUndefined()
    expect(rotationOf({ ...good, 'parley.dev/rotation': '{' })).toBeUndefined()
  })
})
