import { claimNames, type RenderInputs } from '../render/index.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { Child, ChildKind, ChildOutcome } from './children.ts'
import type { ChildEntry, ClusterEntry } from './observed.ts'
import { digest } from './owned-fields.ts'

type Cluster = ClusterEntry['cluster']
type Kinds = ReadonlyMap<string, ChildKind>

/**
 * So often in a row it is looked whether there is nothing left to do: workloads that come up have more done, and what is
 * never as wanted is not looked at for ever.
 */
const MOST_LOOKS = 10

/**
 * So often in a row a pass may fail for a reason that passes, until nobody waits for it any more: half a minute of a
 * server that is away, by the waits of the queue. An API server that is away for longer can store nothing either.
 */
const MOST_FAILURES = 16

const NONE: ReadonlySet<string> = new Set()

/** What rendering is given, and the Secrets as they are to be at this moment. */
export interface Given {
  cluster: Cluster
  inputs: RenderInputs
  secrets: readonly Child[]
}

/** One look at a MeetingCluster. */
export interface Look {
  /** All is as it was when a full pass last found nothing to do. */
  atRest: boolean
  /**
   * Call after a full pass that deleted nothing and waits for nothing.
   * @param wanted all children, @param outcomes what became of each
   * @returns whether it is worth another look, because only now it may be at rest
   */
  settle(wanted: readonly Child[], outcomes: readonly ChildOutcome[]): boolean
}

/**
 * The states of MeetingClusters in which a pass found nothing to do. Where one is found again, also by the operator
 * after this one, rendering, comparing and pruning are left out of the pass; all else of it is as ever.
 *
 * Why that is right: what a full pass does to children is a function of three things, and the state is a digest of
 * them all.
 *
 * - The build of the operator: the functions themselves.
 * - What rendering is given. It is pure, and is called with the very objects that are digested, so there is nothing that
 *   could be forgotten. What the clock and Secrets of others have to say comes in through the inputs, and
 *   through the annotations that our Secrets are to have, which are worked out in every pass.
 * - What comparing and pruning look at: of each object with this owner (and of claims that outlive it) the kind, name,
 *   owner, hash, digest of the fields that are ours, and the few facts that decide how a child is written. One that is
 *   gone, comes, loses its owner or is changed by hand makes another state of it.
 *
 * So a state is a fact that does not become wrong. An old one, or one of a MeetingCluster that is gone, is not met any
 * more; one that is lost costs a full pass.
 *
 * The API server has its say, too: another version of it may know fields that this one drops. So what was found under
 * one version is not loaded under another one (resting-keeper.ts), and whoever looks at everything again does so in
 * full ({@link doubt}).
 *
 * A pass is remembered only if it changed nothing, nothing changed meanwhile, and each wanted child is among those that
 * the digest is of. The status is no part of it: every pass works it out.
 */
export class RestingStates {
  readonly build: string
  /** By `namespace/name`. */
  readonly #states = new Map<string, string>()
  /** Those that are stored, of this operator or of one before. */
  #stored: ReadonlySet<string> = NONE
  /** Of those, what counts. */
  #believed: ReadonlySet<string> = NONE
  /** By `namespace/name`, how many passes in a row have found something to do. */
  readonly #busy = new Map<string, number>()
  /** By `namespace/name`, those that had no pass yet since all were to have one, and how often it has failed. */
  readonly #due = new Map<string, number>()
  /** By `namespace/name`, those that nobody waits for any more, since they fail. */
  readonly #failing = new Set<string>()
  #nodes: { facts: RenderInputs['nodes']; digest: string } | undefined

  /** @param build tells it from every other build */
  constructor(build: string) {
    this.build = build
  }

  /** @param key `namespace/name` @param kinds by their name, those that there are */
  look(key: string, given: Given, kinds: Kinds): Look {
    const children = childrenOf(given.cluster, kinds)
    // Kinds that cannot be watched are as they were once, and pods that somebody holds make others wait.
    const isKnown = [...kinds.values()].every(({ problem }) => problem() === undefined)
    const isHeld = children.some(({ entry }) => entry.rollout?.held === true)
    if (!isKnown || isHeld) return { atRest: false, settle: () => false }
    const state = this.#stateOf(given, children)
    const rest = () => {
      this.#states.set(key, state)
      this.#busy.delete(key)
      return false
    }
    const atRest = this.#states.get(key) === state || this.#believed.has(state)
    if (atRest) rest()
    return {
      atRest,
      settle: (wanted, outcomes) => {
        if (!outcomes.every(({ result }) => result === 'unchanged' || result === 'applied'))
          return false
        const isUnchanged =
          outcomes.every(({ result }) => result === 'unchanged') &&
          areSame(children, childrenOf(given.cluster, kinds))
        // One that the digest is not of would not be found by another look either.
        if (isUnchanged) return areAmong(children, wanted) ? rest() : false
        const busy = (this.#busy.get(key) ?? 0) + 1
        this.#busy.set(key, busy)
        return busy <= MOST_LOOKS
      },
    }
  }

  /** All of these are going to have a pass. Until they had it, what is known is a part of what may be stored. */
  expect(keys: Iterable<string>): void {
    for (const key of keys) this.#due.set(key, 0)
  }

  /** One had a pass, whether there is anything to remember of it or not. */
  passed(key: string): void {
    this.#due.delete(key)
    this.#failing.delete(key)
  }

  /** A pass failed for a reason that passes. One that fails for ever does not keep the others from being stored. */
  failed(key: string): void {
    const failures = this.#due.get(key)
    if (failures === undefined) return
    if (failures + 1 < MOST_FAILURES) {
      this.#due.set(key, failures + 1)
      return
    }
    this.#due.delete(key)
    this.#failing.add(key)
  }

  /** The MeetingCluster is gone. */
  forget(key: string): void {
    this.#states.delete(key)
    this.#busy.delete(key)
  }

  /** @param states as an operator of the same build stored them */
  load(states: Iterable<string>): void {
    this.#stored = new Set(states)
    this.#believed = this.#stored
  }

  /** @param states that have been stored by now; whatever was doubted meanwhile stays so */
  noteStored(states: Iterable<string>): void {
    this.#stored = new Set(states)
  }

  /** Takes nothing for granted: the next pass over each MeetingCluster is a full one. */
  doubt(): void {
    this.#states.clear()
    this.#believed = NONE
  }

  /**
   * What to store; undefined while all of it is, and while it is not known of all: a part would take the place of what
   * the operator before this one has stored.
   *
   * @param most how many can be stored
   */
  unstored(most = Number.POSITIVE_INFINITY): string[] | undefined {
    if (this.#due.size > 0) return undefined
    // Which of those of the operator before are of them is not known: they stay until they are doubted, as it may be
    // found so again.
    const ofFailing = this.#failing.size > 0 ? this.#believed : NONE
    const states = [...new Set([...this.#states.values(), ...ofFailing])].slice(0, most)
    return states.every((state) => this.#stored.has(state)) ? undefined : states
  }

  #stateOf({ cluster, inputs, secrets }: Given, children: readonly Found[]): string {
    const { nodes, ...others } = inputs
    return digest(
      JSON.stringify([
        ...[this.build, cluster, others, this.#digestOf(nodes)],
        secrets.map(({ object }) => object.metadata),
        // Stores have them in the order in which they came.
        children.map(factsOf).sort(),
      ]),
    )
  }

  /** They may be thousands, and are the same for all MeetingClusters. */
  #digestOf(facts: RenderInputs['nodes']): string {
    if (this.#nodes?.facts !== facts) this.#nodes = { facts, digest: digest(JSON.stringify(facts)) }
    return this.#nodes.digest
  }
}

/** A MeetingCluster without what changes though nobody wishes for anything else: what rendering is given of it. */
export function renderable({ status: _, ...cluster }: Cluster): Cluster {
  const { resourceVersion: __, ...metadata } = cluster.metadata
  return { ...cluster, metadata }
}

interface Found {
  kind: string
  entry: ChildEntry
}

function childrenOf(cluster: Cluster, kinds: Kinds): Found[] {
  const { namespace, uid = '' } = cluster.metadata
  const found: Found[] = []
  for (const [kind, { store }] of kinds)
    for (const entry of store.group(uid)) found.push({ kind, entry })
  // They may have no owner, so that they outlive it.
  const kind = 'PersistentVolumeClaim'
  for (const name of Object.values(claimNames(cluster))) {
    const entry = kinds.get(kind)?.store.get(`${namespace}/${name}`)
    if (entry && entry.group !== uid) found.push({ kind, entry })
  }
  return found
}

/** All by which a pass decides whether to write or to prune it. */
function factsOf({ kind, entry }: Found): string {
  const { name, group, cluster, hash, fields, service, rollout } = entry
  return JSON.stringify([
    ...[kind, name, group, cluster, hash, fields],
    ...[service?.headless, rollout?.template, rollout?.held],
  ])
}

/** Entries are never changed in what they say of an object: another state of it is another entry. */
function areSame(before: readonly Found[], after: readonly Found[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ entry }, index) => entry === after[index]?.entry)
  )
}

function areAmong(found: readonly Found[], wanted: readonly Child[]): boolean {
  const names = new Set(found.map(({ kind, entry }) => `${kind}/${entry.name}`))
  const nameOf = ({ kind, metadata }: K8sObject) => `${kind}/${metadata.name}`
  return wanted.every(({ object }) => names.has(nameOf(object)))
}
