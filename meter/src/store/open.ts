import { StoreError } from '../errors.ts'
import { openMysqlStore } from './mysql.ts'
import { openSqliteStore } from './sqlite.ts'
import type { Store } from './store.ts'

export type StoreOptions = {
  /** Certificates (PEM) that a database server's must come from; without them there is no TLS. */
  ca?: string | undefined
  /**
   * Whose rows are read and written in a database that many meters share; without it those of all
   * are read. A file is one meter's.
   */
  meter?: string | undefined
}

/**
 * Opens a store by URL and brings its schema up to date.
 * @param url `sqlite:/path/to/file.db` (made where missing), `sqlite::memory:`, or
 *   `mysql://user:password@host:3306/database` (also MariaDB), which need not be up
 * @throws {StoreError} `STORE_URL`, `STORE_OPEN`, `STORE_NEWER`
 */
export async function openStore(url: string, { ca, meter }: StoreOptions = {}): Promise<Store> {
  const path = /^sqlite:(.+)$/.exec(url)?.[1]
  if (path) return openSqliteStore(path)
  if (/^(mysql|mariadb):/.test(url)) return openMysqlStore({ ...parseMysqlUrl(url), ca }, meter)
  // No more of the URL than its scheme: the rest of one for another database holds a password.
  throw new StoreError(
    'STORE_URL',
    `a store of the kind "${url.split(':', 1)[0]}" is not known; use sqlite:/path/meter.db or mysql://user:password@host:3306/database`,
  )
}

function parseMysqlUrl(text: string) {
  const url = URL.parse(text)
  const database = url && decoded(url.pathname.slice(1))
  const user = url && decoded(url.username)
  const password = url && decoded(url.password)
  if (!url?.hostname || !database || !user || password == null)
    throw new StoreError(
      'STORE_URL',
      'the URL of the MySQL store is not complete; write mysql://user:password@host:3306/database, special characters percent-encoded',
    )
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(url.port || 3306), user, password, database }
}

/** Null where a percent sign is none of an encoding. */
function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}
