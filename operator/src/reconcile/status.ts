import {
  COMPONENT_CONDITION,
  COMPONENTS,
  CONDITION,
  type Component,
  type MeetingCluster,
  type MeetingClusterSpec,
  type MeetingClusterStatus,
  REASON,
  sfuAvailable,
} from '../api/index.ts'
import { type Keeper, selectorOf } from '../render/index.ts'
import { budgetFindings } from './budget.ts'
import { type Finding, mergeConditions } from './conditions.ts'
import { meteredFindings, type RedisServer } from './external-redis.ts'
import type { RelayReading } from './figures/relay.ts'
import type { Rollout } from './observed.ts'
import type { Waiting } from './rollout-order.ts'

/** What keeps a MeetingCluster from being as wanted, apart from pods that are not ready yet. */
export interface Problem {
  reason: string
  message: string
  /** Someone has to do something: trying again does not help. */
  stalled: boolean
}

/** What was found; together with the spec it gives the status. */
export interface Observation {
  rollouts: Partial<Record<Component, Rollout>>
  /** Who has to wait with new pods for whom. */
  waiting: Waiting
  turnUrls: string[]
  /** What an address of TURN is waited for; undefined: nothing. */
  turnWaitsFor: string | undefined
  /** Nodes that have an SFU pod and no address that clients can reach. */
  sfuNodesWithoutAddress: string[]
  problems: Problem[]
  /** Whose data goes with its pod, for want of a volume. */
  withoutVolume?: readonly Component[]
  /** Of an external Redis whose address is known. */
  redisServer?: RedisServer | undefined
  relay: RelayReading | undefined
}

/**
 * The status that says what was found. Pure: the same findings give the same status, so that nothing is written
 * while nothing changes. @param now milliseconds since the epoch
 */
export function computeStatus(
  cluster: MeetingCluster,
  observation: Observation,
  now: number,
): MeetingClusterStatus {
  const { metadata, spec, status: previous = {} } = cluster
  const generation = metadata.generation ?? 0
  const wanted = COMPONENTS.filter((component) => isWanted(spec, component))
  const components = COMPONENTS.map((component) => ({
    component,
    finding: componentFinding(cluster, component, observation),
  }))
  const waiting = components.filter(({ finding }) => finding.status !== 'True')
  const findings = [
    ...summary(waiting, observation.problems, wanted.length),
    ...components.map(({ finding }) => finding),
  ]
  const relay = observation.relay?.summary ?? previous.relay
  findings.push(...meteredFindings(cluster, observation.redisServer))
  findings.push(...budgetFindings(spec.cost.budget, relay))
  const rooms = observation.relay?.rooms
  return {
    observedGeneration: generation,
    conditions: mergeConditions(previous.conditions ?? [], findings, generation, now),
    components: Object.fromEntries(
      wanted.map((component) => [
        component,
        componentStatus(spec, component, observation.rollouts[component]),
      ]),
    ),
    endpoints: {
      ...(spec.webapp.enabled ? { web: `https://${spec.domain}/` } : {}),
      turn: observation.turnUrls,
    },
    ...(rooms === undefined ? {} : { rooms }),
    selector: turnSelector(cluster),
    ...(relay ? { relay } : {}),
  }
}

/** As the scale subresource has it. */
function turnSelector(cluster: MeetingCluster): string {
  return Object.entries(selectorOf(cluster, 'turn'))
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

/** The status of a paused MeetingCluster: as it was, with the pause said. */
export function pausedStatus(cluster: MeetingCluster, now: number): MeetingClusterStatus {
  const previous = cluster.status ?? {}
  const generation = cluster.metadata.generation ?? 0
  const paused: Finding = {
    type: CONDITION.Reconciling,
    status: 'False',
    reason: 'Paused',
    message: `nothing is changed while the annotation ${PAUSED_ANNOTATION} is "true"`,
  }
  const others = (previous.conditions ?? []).filter(({ type }) => type !== paused.type)
  const [said] = mergeConditions(previous.conditions ?? [], [paused], generation, now)
  // observedGeneration stays: the present spec has not been acted on.
  return { ...previous, conditions: said ? [...others, said] : others }
}

export const PAUSED_ANNOTATION = 'parley.dev/paused'

function isWanted(spec: MeetingClusterSpec, component: Component): boolean {
  switch (component) {
    case 'webapp':
      return spec.webapp.enabled
    case 'redis':
      return spec.redis.mode === 'Managed'
    case 'sfu':
      return spec.sfu.engine !== 'None'
    default:
      return true
  }
}

function summary(
  waiting: { component: Component; finding: Finding }[],
  problems: Problem[],
  wanted: number,
): Finding[] {
  const engine = waiting.find(({ finding }) => finding.reason === REASON.EngineNotAvailable)
  const stalling: Pick<Problem, 'reason' | 'message'>[] = problems.filter(({ stalled }) => stalled)
  if (engine) stalling.push(engine.finding)
  const blocking = [
    ...problems,
    ...waiting.map(({ component, finding }) => ({
      reason: finding.reason,
      message: `${component}: ${finding.message}`,
    })),
  ]
  const all = texts(blocking)
  const ready: Finding = blocking[0]
    ? { type: CONDITION.Ready, status: 'False', reason: blocking[0].reason, message: all }
    : {
        type: CONDITION.Ready,
        status: 'True',
        reason: REASON.Available,
        message: `all ${wanted} components are ready`,
      }
  const stalled: Finding = stalling[0]
    ? {
        type: CONDITION.Stalled,
        status: 'True',
        reason: stalling[0].reason,
        message: texts(stalling),
      }
    : { type: CONDITION.Stalled, status: 'False', reason: 'NotStalled', message: '' }
  const busy = blocking.length > 0 && stalling.length === 0
  const reconciling: Finding = busy
    ? { type: CONDITION.Reconciling, status: 'True', reason: REASON.Progressing, message: all }
    : {
        type: CONDITION.Reconciling,
        status: 'False',
        reason: busyNot(stalling.length),
        message: '',
      }
  return [ready, reconciling, stalled]
}

const busyNot = (stalling: number) => (stalling > 0 ? 'Stalled' : 'Done')

const texts = (entries: { message: string }[]) => entries.map(({ message }) => message).join('; ')

function componentFinding(
  cluster: MeetingCluster,
  component: Component,
  {
    rollouts,
    waiting,
    turnUrls,
    turnWaitsFor,
    sfuNodesWithoutAddress,
    withoutVolume = [],
    relay,
  }: Observation,
): Finding {
  const type = COMPONENT_CONDITION[component]
  const not = (reason: string, message: string): Finding => ({
    type,
    status: 'False',
    reason,
    message,
  })
  if (!isWanted(cluster.spec, component)) {
    return {
      type,
      status: 'True',
      reason: REASON.Disabled,
      message: 'not part of this MeetingCluster',
    }
  }
  if (component === 'sfu' && !sfuAvailable(cluster)) {
    return not(
      REASON.EngineNotAvailable,
      `this version cannot deploy ${cluster.spec.sfu.engine}: set spec.sfu.engine to None, rooms then hold up to ${cluster.spec.mesh.maxParticipants} participants`,
    )
  }
  if (component === 'turn' && turnWaitsFor !== undefined && turnUrls.length === 0) {
    return not(REASON.WaitingForTurnAddress, turnWaitsFor)
  }
  if (component === 'sfu' && sfuNodesWithoutAddress.length > 0) {
    return not(
      REASON.WaitingForSfuAddress,
      `no ExternalIP on node ${sfuNodesWithoutAddress.join(', ')}: set spec.sfu.externalAddresses, or use nodes with an ExternalIP`,
    )
  }
  const rollout = rollouts[component]
  if (!rollout) {
    return component === 'signaling' && turnUrls.length === 0
      ? not(REASON.WaitingForDependency, 'waits for a ready TURN pod')
      : not(REASON.Progressing, 'not created yet')
  }
  const { desired, ready, updated, current, replacing, problem } = rollout
  if (!current || replacing || ready < desired || updated < desired) {
    const counts = `${ready} of ${desired} pods ready, ${updated} of the newest version`
    const rolled = current && updated >= desired && !replacing
    const reason = ready > 0 && rolled ? REASON.Degraded : REASON.Progressing
    const trouble = current && updated >= desired ? troubleOf(component, relay) : undefined
    if (trouble) return not(REASON.Degraded, `${counts}: ${trouble}`)
    const before = waiting[component]
    if (before) return not(REASON.Progressing, `${counts}: waits for the rollout of ${before}`)
    const why = problem ?? (component === 'turn' ? turnWaitsFor : undefined)
    return not(reason, why ? `${counts}: ${why}` : counts)
  }
  const message =
    component === 'meter' && relay?.error
      ? `running, but its summary could not be read: ${relay.error}`
      : `${ready} of ${desired} pods ready`
  const kept = withoutVolume.includes(component) ? WITHOUT_VOLUME[component as Keeper] : ''
  return { type, status: 'True', reason: REASON.Available, message: `${message}${kept}` }
}

const noVolume = (field: string) =>
  `, without a volume: what it keeps goes with its pod, as no default StorageClass is known; name one in ${field}`

const WITHOUT_VOLUME: Readonly<Record<Keeper, string>> = {
  redis: noVolume('spec.redis.storageClassName'),
  meter: noVolume('spec.store.storageClassName'),
}

/** Why pods that run are not ready, as far as the meter knows; signaling depends on the same Redis. */
function troubleOf(component: Component, relay: RelayReading | undefined): string | undefined {
  const { redis, store } = relay?.troubles ?? {}
  const known = component === 'meter' ? [redis, store] : component === 'signaling' ? [redis] : []
  return known.filter(Boolean).join('; ') || undefined
}

function componentStatus(
  spec: MeetingClusterSpec,
  component: Component,
  rollout: Rollout | undefined,
) {
  if (!rollout) return { desired: specReplicas(spec, component), ready: 0 }
  const { desired, ready, updated, image, problem } = rollout
  return {
    desired,
    ready,
    updated,
    ...(image ? { image } : {}),
    ...(problem ? { message: problem } : {}),
  }
}

/** Pods that the spec asks for, where there is no workload yet that says it. */
function specReplicas(spec: MeetingClusterSpec, component: Component): number {
  if (component === 'meter') return 1
  const { replicas, autoscaling } = spec[component]
  return replicas ?? autoscaling?.minReplicas ?? 1
}
