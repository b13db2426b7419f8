import type { Component, MeetingCluster } from '../api/index.ts'
import { buildServiceMonitor } from './common.ts'
import type { RenderInputs } from './inputs.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { renderMeter } from './meter.ts'
import { claimNames } from './names.ts'
import { renderNetworkPolicies } from './network-policy.ts'
import { renderRedis } from './redis.ts'
import { renderSignalingBase, renderSignalingPods } from './signaling.ts'
import { renderTurn } from './turn.ts'
import { renderWebapp } from './webapp.ts'

export interface Rendering {
  /** To be there now. */
  objects: KubernetesObject[]
  /** Not to be made yet, nor to be taken away: signaling, while there is no TURN URL to give out. */
  held: KubernetesObject[]
}

/**
 * The children of a MeetingCluster, all but its Secrets, in an order in which each finds what it
 * needs. Pure: the same arguments give the same objects, down to the order of keys. Owner references
 * are the caller's; see {@link keepsAfterDeletion}.
 */
export function renderMeetingCluster(mc: MeetingCluster, inputs: RenderInputs): Rendering {
  const signalingPods = renderSignalingPods(mc, inputs)
  const hold = inputs.turnUrls.length === 0 || limitations(mc).some(({ holds }) => holds)
  return {
    objects: [
      ...renderNetworkPolicies(mc, inputs),
      ...renderRedis(mc, inputs),
      ...renderTurn(mc, inputs),
      ...renderMeter(mc, inputs),
      ...renderSignalingBase(mc),
      ...(hold ? [] : signalingPods),
      ...renderWebapp(mc, inputs),
      ...renderServiceMonitors(mc, inputs),
    ],
    held: hold ? signalingPods : [],
  }
}

function renderServiceMonitors(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  const { serviceMonitor } = mc.spec.monitoring
  const wanted = serviceMonitor === 'Auto' ? inputs.capabilities.serviceMonitor : serviceMonitor
  return wanted ? [buildServiceMonitor(mc, 'signaling'), buildServiceMonitor(mc, 'meter')] : []
}

/** Whether an object stays when the MeetingCluster is deleted: what was metered is worth money. */
export function keepsAfterDeletion(mc: MeetingCluster, object: KubernetesObject): boolean {
  return object.kind === 'PersistentVolumeClaim' && object.metadata.name === claimNames(mc).meter
}

export interface Limitation {
  component: Component
  /** What the spec asks for, and what to do about it. */
  message: string
  /** Going on without it would be unsafe: signaling is held. */
  holds: boolean
}

/** What the spec asks for and this version does not do, so that nobody has to find out. */
export function limitations(mc: MeetingCluster): Limitation[] {
  const { signaling, redis, store, turn } = mc.spec
  const found: (Limitation & { when: boolean })[] = [
    {
      when: signaling.auth.mode === 'OIDC',
      component: 'signaling',
      message: 'spec.signaling.auth.mode OIDC is not available in this version: take Token',
      holds: true,
    },
    {
      when:
        redis.mode === 'Managed' && (redis.autoscaling !== undefined || (redis.replicas ?? 1) > 1),
      component: 'redis',
      message:
        'spec.redis: the managed Redis is one pod whatever replicas or autoscaling say; take mode External for more',
      holds: false,
    },
    {
      when: turn.tls.secretName !== '' || turn.tls.issuerRef !== undefined,
      component: 'turn',
      message: 'spec.turn.tls is not available in this version: TURN is served without TLS',
      holds: false,
    },
    {
      when: store.mode === 'MySQL',
      component: 'meter',
      message: 'spec.store.mode MySQL is not available in this version: take Embedded',
      holds: false,
    },
  ]
  return found.flatMap(({ when, ...limitation }) => (when ? [limitation] : []))
}
