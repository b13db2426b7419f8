import type { MeetingCluster } from '../api/index.ts'
import {
  type MediaPodFacts,
  objectName,
  sfuAddresses,
  type TurnTls,
  turnReach,
} from '../render/index.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { PodEntry } from './observed.ts'
import type { World } from './world.ts'

/** Where clients reach the media servers, and why they might not. */
export interface Reach {
  turnUrls: string[]
  /** What an address of TURN is waited for; undefined: nothing. */
  turnWaitsFor: string | undefined
  sfuNodesWithoutAddress: string[]
}

/**
 * A pod that is being deleted is in no URL: it lives on for its allocations.
 * @param tls undefined without TLS, and while its certificate cannot be used
 */
export function findReach(
  world: Pick<World, 'podsOf' | 'factsOfNodes' | 'children'>,
  key: string,
  cluster: MeetingCluster & K8sObject,
  tls: TurnTls | undefined,
): Reach {
  const nodes = world.factsOfNodes()
  const pods = world.podsOf(key, 'turn')
  const service = `${cluster.metadata.namespace}/${objectName(cluster, 'turn')}`
  const { urls, waitingFor } = turnReach(cluster, nodes, {
    readyNodes: nodesOf(pods.filter(({ ready }) => ready)),
    nodes: nodesOf(pods.filter(({ leaving }) => !leaving)),
    service: world.children.get('Service')?.store.get(service)?.service,
    tls,
  })
  const ofSfu = sfuAddresses(cluster, nodes)
  return {
    turnUrls: urls,
    turnWaitsFor: waitingFor,
    sfuNodesWithoutAddress: nodesOf(world.podsOf(key, 'sfu')).filter(
      (node) => ofSfu[node] === undefined,
    ),
  }
}

/** Nodes with a pod of TURN or the SFU, also with one that goes: participants meet there. In order of their names. */
export function mediaNodes(world: Pick<World, 'podsOf'>, key: string): string[] {
  return nodesOf([...world.podsOf(key, 'turn'), ...world.podsOf(key, 'sfu')]).sort()
}

/** Pods of TURN and the SFU that their nodes have taken, also those that go. */
export function mediaPods(world: Pick<World, 'podsOf'>, key: string): MediaPodFacts[] {
  return (['turn', 'sfu'] as const)
    .flatMap((component) =>
      world
        .podsOf(key, component)
        .flatMap(({ name, node, since }) =>
          node && since ? [{ pod: name, component, node, since }] : [],
        ),
    )
    .sort((a, b) => (a.pod < b.pod ? -1 : 1))
}

function nodesOf(pods: readonly PodEntry[]): string[] {
  return [...new Set(pods.flatMap(({ node }) => node ?? []))]
}
