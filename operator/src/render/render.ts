import type { MeetingCluster } from '../api/index.ts'
import { renderCertificate } from './certificate.ts'
import type { RenderInputs } from './inputs.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { limitations } from './limitations.ts'
import { renderMeter } from './meter.ts'
import { renderMonitoring } from './monitoring.ts'
import { claimNames, configMapNames } from './names.ts'
import { renderNetworkPolicies } from './network-policy.ts'
import { renderRedis } from './redis.ts'
import { renderSfu } from './sfu.ts'
import { renderSignaling } from './signaling.ts'
import { renderTurn } from './turn.ts'
import { renderWebapp } from './webapp.ts'

export interface Rendering {
  /** To be there now. */
  objects: KubernetesObject[]
  /**
   * Neither to be made or changed now, nor to be taken away: signaling while there is no TURN URL to
   * give out, and pods that a {@link limitations limitation} or the inputs hold.
   */
  held: KubernetesObject[]
}

/**
 * The children of a MeetingCluster, all but its Secrets, in an order in which each finds what it
 * needs. Pure: the same arguments give the same objects, down to the order of keys. Owner references
 * are the caller's; see {@link keepsAfterDeletion}.
 */
export function renderMeetingCluster(mc: MeetingCluster, inputs: RenderInputs): Rendering {
  const all = [
    ...renderNetworkPolicies(mc, inputs),
    ...renderRedis(mc, inputs),
    ...(inputs.capabilities.certificates ? renderCertificate(mc) : []),
    ...renderTurn(mc, inputs),
    ...renderSfu(mc, inputs),
    ...renderMeter(mc, inputs),
    ...renderSignaling(mc, inputs),
    ...renderWebapp(mc, inputs),
    ...renderMonitoring(mc, inputs),
  ]
  const isHeld = holds(mc, inputs)
  return {
    objects: all.filter((object) => !isHeld(object)),
    held: all.filter(isHeld),
  }
}

/** Says what of the rendering has to wait. */
function holds(mc: MeetingCluster, inputs: RenderInputs): (object: KubernetesObject) => boolean {
  const withoutTurn = inputs.turnUrls.length === 0
  const components = new Set<string | undefined>(
    limitations(mc).flatMap(({ component, holds }) => (holds ? [component] : [])),
  )
  if (withoutTurn) components.add('signaling')
  for (const component of inputs.held ?? []) components.add(component)
  return ({ kind, metadata: { name, labels } }) => {
    if (name === configMapNames(mc).turnEndpoints) return withoutTurn
    const runsPods = kind === 'Deployment' || kind === 'HorizontalPodAutoscaler'
    return runsPods && components.has(labels?.['app.kubernetes.io/component'])
  }
}

/** Whether an object stays when the MeetingCluster is deleted: what was metered is worth money, unless told else. */
export function keepsAfterDeletion(mc: MeetingCluster, object: KubernetesObject): boolean {
  return (
    object.kind === 'PersistentVolumeClaim' &&
    object.metadata.name === claimNames(mc).meter &&
    mc.spec.store.deletionPolicy === 'Retain'
  )
}
