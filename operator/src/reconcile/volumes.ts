import { type Component, type MeetingCluster, REASON } from '../api/index.ts'
import { claimNames, type Keeper, type Storage } from '../render/index.ts'
import type { Rollout } from './observed.ts'
import type { Problem } from './status.ts'
import type { World } from './world.ts'

type Known = Pick<World, 'children' | 'storageClasses' | 'readsStorageClasses'>

/**
 * Where each keeps its data. A class that the spec names is never gone without: data that went elsewhere meanwhile
 * would be lost when the class comes. Where the spec names none, a default one has to be known, or a claim has to be
 * there that once got it.
 */
export function storageOf(world: Known, cluster: MeetingCluster): Record<Keeper, Storage> {
  const claims = world.children.get('PersistentVolumeClaim')?.store
  const names = claimNames(cluster)
  const of = (keeper: Keeper): Storage => {
    if (claims?.get(`${cluster.metadata.namespace}/${names[keeper]}`)) return 'Volume'
    if (classOf(cluster, keeper) !== '')
      return isMissing(world, cluster, keeper) ? 'Awaited' : 'Volume'
    return [...world.storageClasses.values()].some(({ isDefault }) => isDefault) ? 'Volume' : 'None'
  }
  return { redis: of('redis'), meter: of('meter') }
}

/** Those that keep data of their own, and lose it with their pod. */
export function withoutVolume(world: Known, cluster: MeetingCluster): Keeper[] {
  const storage = storageOf(world, cluster)
  return keepersOf(cluster).filter((keeper) => storage[keeper] === 'None')
}

/** Classes that the spec names and that are not there, of components that do not run: a volume once made stays. */
export function missingStorageClasses(
  world: Known,
  cluster: MeetingCluster,
  rollouts: Partial<Record<Component, Pick<Rollout, 'ready'>>>,
): Problem[] {
  const known = [...world.storageClasses.keys()].sort()
  return keepersOf(cluster)
    .filter((keeper) => isMissing(world, cluster, keeper) && !rollouts[keeper]?.ready)
    .map((keeper): Problem => {
      const others = known.length > 0 ? `, or name one that there is (${known.join(', ')})` : ''
      const field = `spec.${keeper === 'redis' ? 'redis' : 'store'}.storageClassName`
      const message = `${field}: there is no StorageClass ${classOf(cluster, keeper)}; create it${others}`
      return { reason: REASON.MissingReference, message, stalled: true }
    })
}

function keepersOf({ spec }: MeetingCluster): Keeper[] {
  return [
    ...(spec.redis.mode === 'Managed' ? ['redis' as const] : []),
    ...(spec.store.mode === 'Embedded' ? ['meter' as const] : []),
  ]
}

/** Who may not see which classes there are takes the one named to be there. */
function isMissing(world: Known, cluster: MeetingCluster, keeper: Keeper): boolean {
  const name = classOf(cluster, keeper)
  return name !== '' && world.readsStorageClasses && !world.storageClasses.get(name)
}

function classOf({ spec }: MeetingCluster, keeper: Keeper): string {
  return (keeper === 'redis' ? spec.redis : spec.store).storageClassName
}
