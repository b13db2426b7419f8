import type { Component, MeetingCluster } from '../api/index.ts'
import type { KubernetesObject } from './kubernetes.ts'

/** How the children of a MeetingCluster are called and labelled. */

const appNames: Readonly<Record<Component, string>> = {
  turn: 'coturn',
  sfu: 'sfu',
  signaling: 'signaling',
  webapp: 'webapp',
  redis: 'redis',
  meter: 'meter',
}

/** `demo-turn`, for the Deployment and whatever else of a component there is one of. */
export function objectName(mc: MeetingCluster, component: Component): string {
  return `${mc.metadata.name}-${component}`
}

export function namespaceOf(mc: MeetingCluster): string {
  return mc.metadata.namespace ?? 'default'
}

/** What picks the pods of a component; immutable in Deployments, so nothing is ever added to it. */
export function selectorOf(mc: MeetingCluster, component: Component): Record<string, string> {
  return {
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/instance': mc.metadata.name,
    'app.kubernetes.io/name': appNames[component],
  }
}

/** Labels of every child; without a component, what all children have in common. */
export function labelsOf(mc: MeetingCluster, component?: Component): Record<string, string> {
  return {
    ...(component === undefined
      ? { 'app.kubernetes.io/instance': mc.metadata.name }
      : selectorOf(mc, component)),
    'app.kubernetes.io/managed-by': 'parley',
    'app.kubernetes.io/part-of': 'parley',
    'parley.dev/cluster': mc.metadata.name,
  }
}

/** The metadata of a child. */
export function metadata(
  mc: MeetingCluster,
  component: Component,
  name = objectName(mc, component),
): KubernetesObject['metadata'] {
  return { name, namespace: namespaceOf(mc), labels: labelsOf(mc, component) }
}

/** Of the meter's HTTP. */
export const METER_PORT = 8090

/** Host name of a component's Service for everything in the cluster. */
export function serviceHost(mc: MeetingCluster, component: Component): string {
  return `${objectName(mc, component)}.${namespaceOf(mc)}.svc`
}

/** Secrets that the operator makes, by what they are for. */
export function secretNames(mc: MeetingCluster) {
  const { name } = mc.metadata
  return {
    /** Key `secrets`: TURN shared secrets, one a line, newest first. */
    turn: `${name}-turn-secret`,
    /** Keys `url`, `password`, `host`, `port` of Redis, managed or not. */
    redis: `${name}-redis-auth`,
    /** Key `key`: signs join tokens. */
    joinKey: `${name}-join-key`,
    /** Key `keys`: API keys of LiveKit, `<key>: <secret>` a line; the first is what tokens are signed with. */
    livekit: `${name}-livekit-keys`,
    /** Key `token`: opens the meter's reports. */
    meterToken: `${name}-meter-token`,
  } as const
}

/** ConfigMaps whose content changes while pods run, and which pods read again. */
export function configMapNames(mc: MeetingCluster) {
  const { name } = mc.metadata
  return {
    /** `addresses.json`, `denied-peers`, `allowed-peers`, for coturn. */
    turn: `${name}-turn-config`,
    /** `addresses.json`, for LiveKit. */
    sfu: `${name}-sfu-config`,
    /** `endpoints.json`, for signaling. */
    turnEndpoints: `${name}-turn-endpoints`,
    /** `pods.json`, for the meter. */
    mediaPods: `${name}-meter-pods`,
  } as const
}

/** Volumes that outlive pods. */
export function claimNames(mc: MeetingCluster) {
  const { name } = mc.metadata
  return { redis: `${name}-redis-data`, meter: `${name}-meter-store` } as const
}
