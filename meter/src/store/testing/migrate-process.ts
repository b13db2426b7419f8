/**
 * A meter's first look at its store, in a process that may be killed: `node migrate-process.ts URL [after]`. It says
 * `ready`, begins at a line on its standard input, and says `open` when its schema is up to date.
 *
 * @param after of SQLite: the process kills itself when it has run so many statements
 */
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { openStore } from '../open.ts'
import { openSqliteStore } from '../sqlite.ts'

class MortalDatabase extends DatabaseSync {
  #left: number

  constructor(path: string, statements: number) {
    super(path)
    this.#left = statements
  }

  override exec(sql: string): void {
    super.exec(sql)
    this.#left -= 1
    if (this.#left === 0) process.kill(process.pid, 'SIGKILL')
  }
}

const [url = '', after] = process.argv.slice(2)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const path = url.replace('sqlite:', '')
const store = after
  ? openSqliteStore(path, { database: new MortalDatabase(path, Number(after)) })
  : await openStore(url, { meter: 'demo' })
await store.records({ from: 0, to: Date.now() })
process.stdout.write('open\n')
await store.close()
process.stdin.destroy()
