import { hash } from 'node:crypto'

/** One of `count` operators that share the namespaces of a cluster; `index` is 0 to count − 1. */
export interface Shard {
  index: number
  count: number
}

/** The operator that has all namespaces to itself. */
export const WHOLE: Shard = { index: 0, count: 1 }

/** Leases of all shards are named so, and by this another number of shards is noticed. */
export const LEASE_PREFIX = 'parley-manager'

/** `0/2`; undefined when the text is none. */
export function parseShard(text: string): Shard | undefined {
  const [, index, count] = /^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []
  const shard = { index: Number(index), count: Number(count) }
  return shard.index < shard.count ? shard : undefined
}

export function formatShard({ index, count }: Shard): string {
  return `${index}/${count}`
}

/**
 * Whether a namespace is this shard's: each belongs to exactly one, for as long as the number of shards stays. From
 * one number to the next only as many move as have to (rendezvous hashing: the shard with the highest hash of both
 * names; Thaler and Ravishankar, 1998).
 */
export function ownsNamespace({ index, count }: Shard, namespace: string): boolean {
  if (count === 1) return true
  let best = 0
  let highest = ''
  for (let candidate = 0; candidate < count; candidate++) {
    const score = hash('sha1', `${candidate}/${namespace}`)
    if (score > highest) {
      highest = score
      best = candidate
    }
  }
  return best === index
}

/** `parley-manager` of the operator that has everything, `parley-manager-0-of-2` of a shard. */
export function leaseName({ index, count }: Shard): string {
  return count === 1 ? LEASE_PREFIX : `${LEASE_PREFIX}-${index}-of-${count}`
}

/** The number of shards that the holder of such a Lease works with; undefined for other Leases. */
export function shardsOfLease(name: string): number | undefined {
  if (name === LEASE_PREFIX) return 1
  const [, count] = new RegExp(`^${LEASE_PREFIX}-\\d+-of-(\\d+)$`).exec(name) ?? []
  return count === undefined ? undefined : Number(count)
}
