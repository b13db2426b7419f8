import type { MeetingCluster } from '../../api/index.ts'
import { METER_PORT, objectName, secretNames, selectorOf } from '../../render/index.ts'
import type { K8sObject } from '../../runtime/resources.ts'
import type { World } from '../world.ts'
import { Figures, type FiguresOptions } from './figures.ts'
import type { MeterTarget } from './meter-client.ts'

/** Where the figures of MeetingClusters are read, by what is known of the cluster. */

/** The figures of all MeetingClusters that the operator knows. */
export function figuresOfWorld(
  world: World,
  options: Pick<FiguresOptions, 'meter' | 'scraper' | 'clock'>,
): Figures {
  return new Figures({
    ...options,
    *clustersIn(namespace) {
      for (const [key, { cluster }] of world.clusters.entries())
        if (cluster.metadata.namespace === namespace) yield { key, name: cluster.metadata.name }
    },
    podsOf: (key, component) => world.podsOf(key, component),
    meterOf(key) {
      const cluster = world.clusters.get(key)?.cluster
      return cluster && meterOf(cluster)
    },
    labelsOf(key, component) {
      const cluster = world.clusters.get(key)?.cluster
      return cluster ? selectorOf(cluster, component) : {}
    },
  })
}

/** Ready or not: the reason why it is not is best told by itself. */
export function* runningMeters(world: World): Iterable<MeterTarget> {
  for (const { meter } of clustersWithMeters(world)) if (meter) yield meter
}

/** Every MeetingCluster, with its meter where that runs. */
export function* clustersWithMeters(
  world: World,
  owns: (namespace: string) => boolean = () => true,
): Iterable<{ cluster: MeetingCluster & K8sObject; meter: MeterTarget | undefined }> {
  for (const { cluster } of world.clusters.values()) {
    const meter = meterOf(cluster)
    if (!owns(meter.namespace)) continue
    const started = world.podsOf(meter.key, 'meter').some(({ node, problem }) => node && !problem)
    yield { cluster, meter: started ? meter : undefined }
  }
}

function meterOf(cluster: MeetingCluster): MeterTarget {
  const { namespace = 'default', name } = cluster.metadata
  return {
    key: `${namespace}/${name}`,
    namespace,
    service: `http:${objectName(cluster, 'meter')}:${METER_PORT}`,
    tokenSecret: secretNames(cluster).meterToken,
  }
}
