import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { COMPONENTS, type Component } from '../api/index.ts'
import { DEPLOYMENTS, STATEFUL_SETS } from '../runtime/resources.ts'
import { Store } from '../runtime/store.ts'
import { TEMPLATE_ANNOTATION } from './annotations.ts'
import type { Child, ChildKind } from './children.ts'
import { projectChild, type Rollout } from './observed.ts'
import {
  applyInOrder,
  heldByOthers,
  pausedRollouts,
  ROLLOUT_ORDER,
  type Waiting,
} from './rollout-order.ts'

/** What is wanted of one component: a version of its pods, and how many. */
interface Wish {
  version: number
  replicas: number
}

/** A Deployment or StatefulSet as Kubernetes keeps it, with its pods. */
interface Workload extends Wish {
  template: string | undefined
  held: boolean
  /** The version that the newest pods are of. */
  rolled: number
  /** All of them have been ready. */
  up: boolean
  ready: number
}

/** Versions whose pods never come up. */
const isBad = (version: number) => version >= 100

/** Kubernetes, as far as rollouts go. New pods come before old ones go. */
class Cluster {
  readonly workloads = new Map<Component, Workload>()
  writes = 0
  /** Called when a component that runs begins to replace its pods. */
  onBegin: (component: Component) => void = () => {}

  readonly ensure = async (children: Child[]) => {
    for (const child of children) this.#apply(child)
    return children.map(() => ({ result: 'applied' as const }))
  }

  readonly rollouts = () => {
    const all: Partial<Record<Component, Rollout>> = {}
    for (const [component, one] of this.workloads) {
      const begun = one.rolled === one.version
      all[component] = {
        desired: one.replicas,
        ready: one.ready,
        updated: begun ? one.replicas : 0,
        current: true,
        replacing: begun && !one.up && one.ready > 0,
        surges: true,
        ...(one.template ? { template: one.template } : {}),
        held: one.held,
        cameUp: begun && one.up,
        failed: begun && !one.up && isBad(one.version),
        homeless: 0,
      }
    }
    return all
  }

  /** Pods that are on their way come up, or never will. */
  proceed(): void {
    for (const one of this.workloads.values()) {
      if (one.rolled !== one.version || isBad(one.rolled)) continue
      one.up = true
      one.ready = one.replicas
    }
  }

  #apply({ object }: Child) {
    const { metadata, spec } = object as ReturnType<typeof workload>
    const component = metadata.labels['app.kubernetes.io/component'] as Component
    const { version } = spec.template
    const held = spec.paused === true || spec.updateStrategy?.rollingUpdate?.partition !== undefined
    const before = this.workloads.get(component)
    const template = metadata.annotations?.[TEMPLATE_ANNOTATION]
    const next = { version, replicas: spec.replicas, template, held }
    if (!before) {
      this.writes++
      this.workloads.set(component, { ...next, rolled: version, up: false, ready: 0 })
      return
    }
    const { rolled, up, ready, ...old } = before
    if (JSON.stringify(old) === JSON.stringify(next)) return
    this.writes++
    const begins = !held && rolled !== version
    if (begins && ready > 0) this.onBegin(component)
    this.workloads.set(component, {
      ...next,
      rolled: begins ? version : rolled,
      up: begins ? false : up,
      ready: Math.min(ready, spec.replicas),
    })
  }
}

function workload(component: Component, { version, replicas }: Wish) {
  return {
    kind: component === 'redis' ? 'StatefulSet' : 'Deployment',
    metadata: {
      name: `demo-${component}`,
      labels: { 'app.kubernetes.io/component': component } as Record<string, string>,
      annotations: undefined as Record<string, string> | undefined,
    },
    spec: { replicas, template: { version } } as {
      replicas: number
      template: { version: number }
      paused?: boolean
      updateStrategy?: { rollingUpdate?: { partition?: number } }
    },
  }
}

type Wishes = Partial<Record<Component, Wish>>

async function pass(
  cluster: Cluster,
  wishes: Wishes,
  rollouts = cluster.rollouts,
): Promise<Waiting> {
  const children = entriesOf(wishes).map(([component, wish]): Child => {
    const { annotations: _, ...metadata } = workload(component, wish).metadata
    const resource = component === 'redis' ? STATEFUL_SETS : DEPLOYMENTS
    const store = new Store({ project: projectChild })
    const kind: ChildKind = { resource, store, problem: () => undefined }
    return { kind, object: { ...workload(component, wish), metadata } }
  })
  return applyInOrder(children, cluster.ensure, rollouts)
}

const entriesOf = (wishes: Wishes) => Object.entries(wishes) as [Component, Wish][]

/** Until nothing changes any more. @returns who waits then */
async function settle(cluster: Cluster, wishes: Wishes): Promise<Waiting> {
  for (let round = 0; ; round++) {
    expect(round).toBeLessThan(20)
    const before = cluster.writes
    const waiting = await pass(cluster, wishes)
    const state = JSON.stringify([...cluster.workloads])
    cluster.proceed()
    if (cluster.writes === before && JSON.stringify([...cluster.workloads]) === state)
      return waiting
  }
}

const all = (version: number, replicas = 2): Wishes =>
  Object.fromEntries(COMPONENTS.map((component) => [component, { version, replicas }]))

async function running(wishes: Wishes): Promise<Cluster> {
  const cluster = new Cluster()
  await settle(cluster, wishes)
  return cluster
}

const version = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 102 }) },
)
const wish = fc.record({ version, replicas: fc.integer({ min: 1, max: 4 }) })
/** Components may come and go. */
const wishes = fc
  .tuple(...COMPONENTS.map(() => fc.option(wish, { nil: undefined, freq: 8 })))
  .map((list): Wishes => {
    const present = COMPONENTS.flatMap((component, index) =>
      list[index] ? [[component, list[index]] as const] : [],
    )
    return Object.fromEntries(present)
  })
const edits = fc.array(fc.tuple(wishes, fc.nat(4)), { minLength: 1, maxLength: 6 })

/** Each wish, with some passes before the next one comes. */
async function play(cluster: Cluster, list: [Wishes, number][]): Promise<Wishes> {
  let last: Wishes = {}
  for (const [wanted, passes] of list) {
    last = wanted
    for (const component of cluster.workloads.keys())
      if (!wanted[component]) cluster.workloads.delete(component)
    for (let index = 0; index <= passes; index++) {
      cluster.onBegin = (component) => {
        for (const other of ROLLOUT_ORDER.slice(0, ROLLOUT_ORDER.indexOf(component))) {
          const rollout = cluster.workloads.get(other)
          if (!wanted[other] || !rollout) continue
          expect(rollout).toMatchObject({ rolled: wanted[other].version, up: true, held: false })
        }
      }
      await pass(cluster, wanted)
      for (const [component, { replicas }] of entriesOf(wanted))
        expect(cluster.workloads.get(component)?.replicas).toBe(replicas)
      if (index % 2 === 0) cluster.proceed()
    }
  }
  return last
}

describe('rollouts', () => {
  it('REQ-K7: one component begins when all before it have come up, whatever was edited meanwhile', () =>
    fc.assert(
      fc.asyncProperty(edits, async (list) => {
        await play(new Cluster(), list)
      }),
      { numRuns: 500 },
    ))

  it('REQ-K7: all get what is wanted in the end, unless one before them fails; then nothing is written any more', () =>
    fc.assert(
      fc.asyncProperty(edits, async (list) => {
        const cluster = new Cluster()
        const last = await play(cluster, list)
        const waiting = await settle(cluster, last)
        for (const [component, { version }] of entriesOf(last)) {
          const { rolled, held } = cluster.workloads.get(component) as Workload
          if (!waiting[component])
            expect({ rolled, held }).toEqual({ rolled: version, held: false })
          else expect(isBad(last[waiting[component]]?.version ?? 0)).toBe(true)
        }
        const { writes } = cluster
        // As an operator does that starts anew.
        await pass(cluster, last)
        expect(cluster.writes).toBe(writes)
      }),
      { numRuns: 500 },
    ))

  it('REQ-K7: the web page first, then Redis and the meter, signaling, and last what calls run through', async () => {
    const cluster = await running(all(1))
    const begun: Component[] = []
    cluster.onBegin = (component) => begun.push(component)
    expect(await pass(cluster, all(2))).toEqual({
      redis: 'webapp',
      meter: 'webapp',
      signaling: 'webapp',
      sfu: 'webapp',
      turn: 'webapp',
    })
    expect(begun).toEqual(['webapp'])
    await settle(cluster, all(2))
    expect(begun).toEqual(ROLLOUT_ORDER)
    expect([...ROLLOUT_ORDER].sort()).toEqual([...COMPONENTS].sort())
  })

  it('REQ-K1: what is new is made all at once', async () => {
    const cluster = new Cluster()
    expect(await pass(cluster, all(1))).toEqual({})
    expect(cluster.workloads.size).toBe(COMPONENTS.length)
  })

  it('REQ-K7: of an older operator, whose templates are not known, nothing waits that does not roll', async () => {
    const cluster = await running(all(1))
    for (const one of cluster.workloads.values()) one.template = undefined
    cluster.onBegin = () => expect('a rollout').toBe('none')
    expect(await pass(cluster, all(1))).toEqual({})
  })

  it('REQ-K7: one that fails keeps the others as they are, is named, and the correction goes to all', async () => {
    const cluster = await running(all(1))
    const bad = { ...all(2), meter: { version: 100, replicas: 1 } }
    const waiting = await settle(cluster, bad)
    expect(waiting).toEqual({ signaling: 'meter', sfu: 'meter', turn: 'meter' })
    expect(cluster.workloads.get('turn')).toMatchObject({ rolled: 1, ready: 2 })
    expect(pausedRollouts(waiting, cluster.rollouts())).toEqual([
      {
        reason: 'RolloutPaused',
        stalled: true,
        message:
          'the rollout of meter fails (its pods do not come up), so signaling, sfu, turn keep the pods of before: correct the spec, or set back what was changed',
      },
    ])
    expect(await settle(cluster, all(2))).toEqual({})
    expect(cluster.workloads.get('turn')).toMatchObject({ rolled: 2, up: true })
  })

  it('REQ-K7: one that somebody else keeps back is named while new pods are wanted, with how to go on', async () => {
    const cluster = await running(all(1))
    const held = { held: true, heldByOthers: true } as const
    const rollouts = (change: Partial<Rollout> = {}) => {
      const found = cluster.rollouts()
      return { ...found, webapp: { ...found.webapp, ...held, ...change } as Rollout }
    }
    expect(heldByOthers(rollouts(), {})).toEqual([])
    const said = (...args: Parameters<typeof heldByOthers>) =>
      heldByOthers(...args).map(({ reason, message }) => `${reason}: ${message}`)
    const why = 'RolloutPaused: webapp: somebody has told Kubernetes to leave its pods as they are'
    expect(said(rollouts({ updated: 0 }), {})).toEqual([
      `${why}: kubectl rollout resume its Deployment`,
    ])
    expect(said(rollouts(), { turn: 'webapp', meter: 'webapp' })).toEqual([
      `${why}, so meter, turn keep the pods of before: kubectl rollout resume its Deployment`,
    ])
    expect(heldByOthers({ webapp: { ...rollouts().webapp, updated: 0 } }, {})).toHaveLength(1)
    // Who waits because we said so is no trouble.
    const { heldByOthers: _, ...byUs } = rollouts({ updated: 0 }).webapp
    expect(heldByOthers({ webapp: byUs }, {})).toEqual([])
  })

  it('REQ-K7: one that only takes its time is waited for without a complaint', async () => {
    const cluster = await running(all(1))
    const waiting = await pass(cluster, all(2))
    expect(pausedRollouts(waiting, cluster.rollouts())).toEqual([])
  })

  it('REQ-K1: one of which nothing runs is put right at once, whoever else fails', async () => {
    const cluster = await running(all(1))
    await settle(cluster, { ...all(1), webapp: { version: 100, replicas: 2 } })
    Object.assign(cluster.workloads.get('signaling') as Workload, { ready: 0, up: false })
    const waiting = await pass(cluster, { ...all(2), webapp: { version: 100, replicas: 2 } })
    expect(waiting.signaling).toBeUndefined()
    expect(cluster.workloads.get('signaling')).toMatchObject({ rolled: 2 })
    expect(waiting.turn).toBe('webapp')
  })

  it('REQ-K7: pods with calls wait for a Redis that comes back nowhere, though none of them is ready without it', async () => {
    const cluster = await running(all(1))
    // Redis has let its pod go, and no node takes the new one.
    const rollouts = () => {
      const found = cluster.rollouts()
      for (const component of ['meter', 'signaling', 'sfu'] as const)
        if (found[component]) found[component].ready = 0
      if (found.redis?.updated)
        Object.assign(found.redis, { ready: 0, cameUp: false, replacing: false, homeless: 1 })
      return found
    }
    await pass(cluster, all(2))
    cluster.proceed()
    await pass(cluster, all(2))
    cluster.proceed()
    const waiting = await pass(cluster, all(2), rollouts)
    expect(waiting).toEqual({ signaling: 'redis', sfu: 'redis', turn: 'redis' })
    for (const component of ['signaling', 'sfu', 'turn'] as const)
      expect(cluster.workloads.get(component)).toMatchObject({ rolled: 1, held: true })
    expect(pausedRollouts(waiting, rollouts())).toEqual([])
  })

  it('REQ-K7: nobody waits for pods that are down because what they need is away, nor for those that no node takes', async () => {
    const cluster = await running(all(1))
    Object.assign(cluster.workloads.get('meter') as Workload, { ready: 0 })
    const rollouts = () => {
      const found = cluster.rollouts()
      if (found.sfu) Object.assign(found.sfu, { ready: 1, cameUp: false, homeless: 1 })
      return found
    }
    const turn = { version: 2, replicas: 2 }
    expect(await pass(cluster, { ...all(1), turn }, rollouts)).toEqual({})
    expect(cluster.workloads.get('turn')).toMatchObject({ rolled: 2 })
  })
})
