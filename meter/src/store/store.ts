import type { AllocationRecord, Traffic, Window } from '@parley/relay-cost'

/**
 * Where allocation records live. Writing is a merge (see mergeAllocations in relay-cost): the same
 * record written twice, by one meter or by two, is there once.
 * Every method rejects with a StoreError.
 */
export type Store = {
  /** Joins records into what is stored; all of them or, where it fails, none. */
  merge(records: readonly AllocationRecord[]): Promise<void>
  /** Records alive in any UTC hour that the window touches, with their traffic up to its end. */
  records(window: Window): Promise<AllocationRecord[]>
  /** Records that were alive at `since` (epoch ms) or later. */
  recent(since: number): Promise<AllocationRecord[]>
  /** Sums over everything stored. */
  totals(): Promise<StoreTotals>
  close(): Promise<void>
}

export type StoreTotals = {
  traffic: Traffic
  /** Of that, bytes under usernames that name no room. */
  unattributedBytes: number
  /** Epoch ms of the first event; undefined in an empty store. */
  oldest: number | undefined
}
