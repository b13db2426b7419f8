import { StoreError } from '../errors.ts'
import { openSqliteStore } from './sqlite.ts'
import type { Store } from './store.ts'

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
