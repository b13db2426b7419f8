import { type Component, REASON } from '../api/index.ts'
import type { K8sObject } from '../runtime/resources.ts'
import { TEMPLATE_ANNOTATION } from './annotations.ts'
import type { Child, ChildOutcome } from './children.ts'
import type { Rollout } from './observed.ts'
import { digest } from './owned-fields.ts'
import type { Problem } from './status.ts'

/**
 * Pods are replaced one component after another, in this order: what loses least comes first, and what a component
 * needs comes before it, so that none waits for one that waits for it. The web page first: its new pods come before
 * the old ones go, so that an image which does not start harms nobody. Then Redis and the meter, which carry no
 * call; signaling, which hands its sockets over; and last what calls run through, and may wait for them for hours.
 */
export const ROLLOUT_ORDER = [
  'webapp',
  'redis',
  'meter',
  'signaling',
  'sfu',
  'turn',
] as const satisfies readonly Component[]

/** Which components wait with their new pods, and which one each waits for. */
export type Waiting = Partial<Record<Component, Component>>

/** What is known of the workloads that are there. */
export type Rollouts = Partial<Record<Component, Rollout>>

/** By component, what tells the pod template that is wanted from others. */
type Templates = ReadonlyMap<Component, string>

/**
 * The component that another one has to wait for before its new pods may come, undefined if it may have them now.
 *
 * @param wanted of all components that are part of the MeetingCluster
 */
function waitsFor(
  component: Component,
  wanted: Templates,
  rollouts: Rollouts,
): Component | undefined {
  const before = ROLLOUT_ORDER.slice(0, ROLLOUT_ORDER.indexOf(component))
  return before.find((other) => {
    const rollout = rollouts[other]
    if (!rollout || !wanted.has(other)) return false
    return !isApplied(rollout, wanted.get(other)) || !hasRolled(rollout)
  })
}

/** Kubernetes has been told to make its pods from this template. */
function isApplied({ template, held }: Rollout, wanted: string | undefined): boolean {
  return template === wanted && !held
}

/**
 * Whether every pod that has a node is of the newest version and has come up. One that came up and is not ready any
 * more, because what it needs is away, keeps nobody waiting; one that ends again and again does.
 */
function hasRolled(rollout: Rollout): boolean {
  const { desired, ready, updated, current, replacing, cameUp, failed, homeless } = rollout
  if (!current || replacing || failed || updated < desired) return false
  return cameUp || (ready > 0 && ready + homeless >= desired) || desired === 0
}

/**
 * Applies the workloads of a MeetingCluster. All but pods is brought up to date at once. New versions of pods come
 * one component after another, in {@link ROLLOUT_ORDER}. Who waits gets the new template with the order to Kubernetes
 * not to use it yet, so that all else of it, like the number of pods, is right. Only what runs has something to
 * lose: what is not there, or of which no pod works, never waits.
 *
 * Keeps nothing: what is applied follows from what is wanted and what is there, also by another operator.
 *
 * @param observe what is known now, the outcome of `ensure` included
 * @returns who waits for whom
 */
export async function applyInOrder(
  workloads: readonly Child[],
  ensure: (children: Child[]) => Promise<ChildOutcome[]>,
  observe: () => Rollouts,
): Promise<Waiting> {
  const marked = workloads.map(withTemplate)
  const wanted: Templates = new Map(marked.map(({ component, template }) => [component, template]))
  const rollouts = observe()
  const isReplacement = ({ component, template }: Marked) => {
    const own = rollouts[component]
    return own !== undefined && hasToLose(component, own) && !isApplied(own, template)
  }
  await ensure(marked.filter((one) => !isReplacement(one)).map(({ child }) => child))
  const waiting: Waiting = {}
  const order = (one: Marked) => ROLLOUT_ORDER.indexOf(one.component)
  for (const { child, component } of marked
    .filter(isReplacement)
    .sort((a, b) => order(a) - order(b))) {
    // Seen anew each time: where only the operator is another one nothing rolls, and the next one need not wait.
    const other = waitsFor(component, wanted, observe())
    if (other) waiting[component] = other
    await ensure([other ? held(child) : child])
  }
  return waiting
}

/** Those whose pods may have calls on them while they are not ready, because Redis is away. */
const CARRIES_CALLS: ReadonlySet<Component> = new Set(['signaling', 'sfu', 'turn'])

function hasToLose(component: Component, rollout: Rollout): boolean {
  const { ready, desired, cameUp, held, failed, homeless } = rollout
  if (ready > 0 || !CARRIES_CALLS.has(component)) return ready > 0
  // Who was told to wait had pods that worked.
  return (cameUp || held) && !failed && homeless < desired
}

interface Marked {
  child: Child
  component: Component
  template: string
}

type Workload = K8sObject & { spec: { template: object; replicas?: number } }

function withTemplate(child: Child): Marked {
  const { metadata, spec } = child.object as Workload
  const template = digest(JSON.stringify(spec.template))
  const annotations = { ...metadata.annotations, [TEMPLATE_ANNOTATION]: template }
  const object = { ...child.object, metadata: { ...metadata, annotations } }
  const component = metadata.labels?.['app.kubernetes.io/component'] as Component
  return { child: { ...child, object }, component, template }
}

/** The workload, with its pods left as they are. */
function held(child: Child): Child {
  const { kind, spec } = child.object as Workload
  const hold =
    kind === 'StatefulSet'
      ? { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: spec.replicas } } }
      : { paused: true }
  return { ...child, object: { ...child.object, spec: { ...spec, ...hold } } as K8sObject }
}

/** What people have to put right, because others wait for it. Empty while the one waited for makes progress. */
export function pausedRollouts(waiting: Waiting, rollouts: Rollouts): Problem[] {
  return ROLLOUT_ORDER.flatMap((component): Problem[] => {
    const { failed, problem = 'its pods do not come up' } = rollouts[component] ?? {}
    const behind = whoWaitsFor(component, waiting)
    if (!failed || !behind) return []
    const message = `the rollout of ${component} fails (${problem}), so ${behind} the pods of before: correct the spec, or set back what was changed`
    return [{ reason: REASON.RolloutPaused, message, stalled: true }]
  })
}

/**
 * What people have to put right, because somebody keeps new pods back that are wanted: by hand, or by a tool. It is not
 * undone, as whoever did it wants to have a look.
 */
export function heldByOthers(rollouts: Rollouts, waiting: Waiting): Problem[] {
  return ROLLOUT_ORDER.flatMap((component): Problem[] => {
    const { heldByOthers: held, updated = 0, desired = 0 } = rollouts[component] ?? {}
    const behind = whoWaitsFor(component, waiting)
    if (!held || (updated >= desired && !behind)) return []
    const how =
      component === 'redis'
        ? 'set the partition of its StatefulSet back to 0'
        : 'kubectl rollout resume its Deployment'
    const message = `${component}: somebody has told Kubernetes to leave its pods as they are${behind ? `, so ${behind} the pods of before` : ''}: ${how}`
    return [{ reason: REASON.RolloutPaused, message, stalled: true }]
  })
}

/** `signaling keeps`, `meter, turn keep`; undefined: nobody does. */
export function whoWaitsFor(component: Component, waiting: Waiting): string | undefined {
  const behind = ROLLOUT_ORDER.filter((other) => waiting[other] === component)
  if (behind.length === 0) return undefined
  return `${behind.join(', ')} keep${behind.length > 1 ? '' : 's'}`
}
