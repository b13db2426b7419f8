import type { MeetingCluster } from '@parley/operator/api'
import type { K8sObject } from '@parley/operator/runtime'
import { leaseName, ownsNamespace, shardsOfLease } from '@parley/operator/shard'
import type { Finding } from './doctor.ts'

type Lease = K8sObject & {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string }
}

/**
 * Of a fleet that several operators share, what each of them looks after, and those that nobody does. Leases are compared
 * with each other: the clock of whoever asks may be wrong.
 *
 * @param leases of all namespaces; undefined: who asks may not list them
 */
export function shardFindings(
  leases: readonly Lease[] | undefined,
  clusters: readonly MeetingCluster[],
): Finding[] {
  const ours = (leases ?? []).filter(({ metadata }) => (shardsOfLease(metadata.name) ?? 1) > 1)
  const newest = Math.max(...ours.map(renewedAt))
  const held = ours.filter((lease) => isHeld(lease, newest))
  const fleets = new Map(
    held.map(({ metadata: { namespace = '', name } }) => {
      const count = shardsOfLease(name) ?? 1
      return [`${namespace}/${count}`, { namespace, count }]
    }),
  )
  return [...fleets.values()].flatMap(({ namespace, count }) =>
    Array.from({ length: count }, (_, index) => {
      const shard = { index, count }
      const lease = held.find(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === leaseName(shard),
      )
      const mine = clusters.filter(({ metadata }) =>
        ownsNamespace(shard, metadata.namespace ?? 'default'),
      )
      return lease
        ? ledFinding(`shard ${index}/${count}, led by ${lease.spec?.holderIdentity}`, mine)
        : {
            ok: mine.length === 0,
            what: `shard ${index}/${count} is led by nobody: nobody looks after ${listOf(mine)}`,
            fix: `an operator has to run in ${namespace} with --shard ${index}/${count}`,
          }
    }),
  )
}

function ledFinding(what: string, mine: readonly MeetingCluster[]): Finding {
  const behind = mine.filter(
    ({ metadata, status }) => status?.observedGeneration !== metadata.generation,
  )
  return behind.length === 0
    ? { ok: true, what: `${what}: ${mine.length} MeetingClusters, all seen to` }
    : {
        ok: false,
        what: `${what}: of ${mine.length} MeetingClusters it has not seen to ${listOf(behind)}`,
        fix: 'its log says why; it may be at work on them just now',
      }
}

function listOf(clusters: readonly MeetingCluster[]): string {
  const names = clusters.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  if (names.length === 0) return 'its namespaces'
  const more = names.length - NAMED
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const NAMED = 5

/** One that was not renewed for as long as it holds, while others were. */
function isHeld(lease: Lease, newest: number): boolean {
  const { holderIdentity, leaseDurationSeconds = 15 } = lease.spec ?? {}
  return Boolean(holderIdentity) && newest - renewedAt(lease) <= leaseDurationSeconds * 1000
}

function renewedAt({ spec }: Lease): number {
  return Date.parse(spec?.renewTime ?? '') || 0
}
