import type { AllocationRecord, Traffic, Window } from '@parley/relay-cost'
import { StoreError } from '../errors.ts'
import { openSqliteStore } from './sqlite.ts'

/**
 * Where allocation records live. Writing is a merge (see mergeAllocations in relay-cost): the same
 * record written twice, by one meter or by two, is there once.
 * Every method rejects with a {@link StoreError}.
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

/**
 * Opens a store by URL and brings its schema up to date.
 * @param url `sqlite:/path/to/file.db` (made where missing) or `sqlite::memory:`
 * @throws {StoreError} `STORE_URL`, `STORE_OPEN`, `STORE_NEWER`
 */
export async function openStore(url: string): Promise<Store> {
  const path = /^sqlite:(.+)$/.exec(url)?.[1]
  if (path) return openSqliteStore(path)
  // No more of the URL than its scheme: the rest of one for another database holds a password.
  throw new StoreError(
    'STORE_URL',
    `a store of the kind "${url.split(':', 1)[0]}" is not known; use sqlite:/path/meter.db`,
  )
}
