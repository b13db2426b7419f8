/** A schema that was brought half-way by a process that was killed, on real servers. */

import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type AllocationRecord, noTraffic } from '@parley/relay-cost'
import { execa } from 'execa'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { database, type RunningMariadb, startMariadb, temporaryFolder } from '../testing/servers.ts'
import { mysqlMigrations, sqliteMigrations } from './migrations.ts'
import { openMysqlStore } from './mysql.ts'
import { openStore } from './open.ts'
import { type Statement, startStatementProxy } from './testing/statement-proxy.ts'
import { start } from './testing/suite.ts'

jest.setTimeout(240_000)

const all = { from: 0, to: Date.UTC(2100, 0) }
const program = fileURLToPath(new URL('./testing/migrate-process.ts', import.meta.url))

/** A meter that looks at its store once it is told to. */
async function startMigrating(url: string, ...more: string[]) {
  const child = execa(process.execPath, [program, url, ...more], { reject: false, all: true })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return {
    begin: () => void child.stdin.write('begin\n'),
    kill: () => void child.kill('SIGKILL'),
    ended: async () => {
      const { exitCode, signal, all } = await child
      return { outcome: signal ?? exitCode, said: all }
    },
  }
}
type Migrating = Awaited<ReturnType<typeof startMigrating>>

const whole = { outcome: 0, said: 'ready\nopen' }
const killed = { outcome: 'SIGKILL', said: 'ready' }

const record: AllocationRecord = {
  ...{ realm: 'pod-a.demo', username: 'mallory', id: '1', remote: 'c:1' },
  ...{ transport: 'udp', openedAt: start, lastSeenAt: start, aliveAt: start },
  ...{ expiresAt: start, closedAt: 0 },
  hours: new Map([[start, { ...noTraffic(), turnToPeerBytes: 1200 }]]),
}

describe('the schema of a MySQL store, on a real MariaDB', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let server: RunningMariadb
  let root: Connection
  beforeAll(async () => {
    folder = await temporaryFolder()
    server = await startMariadb(folder.path)
    await connectAsRoot()
  })
  afterAll(async () => {
    root?.destroy()
    await server?.stop('SIGKILL')
    await folder?.remove()
  })

  async function connectAsRoot() {
    const socketPath = join(folder.path, 'mariadb.sock')
    root = await mysql.createConnection({ socketPath, user: 'root', multipleStatements: true })
  }

  const rows = async (sql: string) => (await root.query<RowDataPacket[]>(sql))[0]
  const made = async (name: string) => {
    await root.query(`CREATE DATABASE ${name}; GRANT ALL ON ${name}.* TO '${database.user}'@'%'`)
    return name
  }
  const urlOf = (name: string, port = server.port) =>
    server.url.replace(/:\d+\/\w+$/, `:${port}/${name}`)

  /** Which steps were noted, and every table as the server would make it anew. */
  const schemaOf = async (name: string) => {
    const noted = await rows(`SELECT version FROM ${name}.parley_schema ORDER BY version`)
    const tables = await rows(`SHOW TABLES FROM ${name}`)
    const words = new Map<string, string>()
    for (const [table] of tables.map((row) => Object.values(row) as string[])) {
      const [shown] = await rows(`SHOW CREATE TABLE ${name}.${table}`)
      words.set(String(table), String(shown?.['Create Table']))
    }
    return { versions: noted.map(({ version }) => Number(version)), tables: words }
  }

  /** As one meter makes it that nothing befalls. */
  const expected = async () => {
    const name = await made(`whole_${Date.now()}`)
    const store = await openStore(urlOf(name), { meter: 'demo' })
    await store.records(all)
    await store.close()
    const schema = await schemaOf(name)
    expect(schema.versions).toEqual(mysqlMigrations.map((_, index) => index + 1))
    return schema
  }

  const steps = mysqlMigrations.map((step) => step.trim())
  const isStep = (sql: string) => steps.includes(sql)
  const isMadeOnce = (sql: string) => /^\s*create table if not exists/i.test(sql)
  const noteOf = (version: number) => `INSERT INTO parley_schema VALUES (${version})`
  const isLock = (sql: string) => sql.startsWith('SELECT GET_LOCK(')

  it('REQ-H3, REQ-K5: meters that are killed at each step, and between it and its note, bring it where one does that is not, and lose nothing', async () => {
    const name = await made('killed')
    // What an earlier version had come to, with what it knew.
    await root.query(`USE ${name}; CREATE TABLE parley_schema (version INT PRIMARY KEY)`)
    for (const [index, step] of mysqlMigrations.slice(0, 2).entries()) {
      await root.query(step)
      await root.query('INSERT INTO parley_schema VALUES (?)', [index + 1])
    }
    await root.query(`
      INSERT INTO allocations (meter, digest, realm, username, allocation_id, remote, transport,
        opened_at, last_seen_at, alive_at, expires_at, closed_at)
      VALUES ('demo', 'a digest of it..', 'pod-a.demo', 'mallory', '1', 'c:1', 'udp',
        ${start}, ${start}, ${start}, ${start}, 0);
      INSERT INTO allocation_hours VALUES
        ('demo', 'a digest of it..', ${start}, 0, 0, 0, 0, 0, 0, 1200, 0)`)

    let doomed: Migrating | undefined
    let isLast = (_sql: string) => false
    const proxy = await startStatementProxy(server.port, async ({ sql }) => {
      if (!isLast(sql)) return true
      doomed?.kill()
      // A step that was on its way arrives, with nobody there for the answer.
      return isStep(sql)
    })
    const migrateUntil = async (last: string) => {
      isLast = (sql) => sql === last.trim()
      doomed = await startMigrating(urlOf(name, proxy.port))
      doomed.begin()
      return doomed.ended()
    }
    try {
      for (const [index, step] of mysqlMigrations.entries()) {
        if (index < 2) continue
        const note = noteOf(index + 1)
        // Those that do not say it themselves are run again where they were run already.
        const kills = isMadeOnce(step) ? [note] : [step, note]
        for (const last of kills) {
          expect(await migrateUntil(last)).toEqual(killed)
          expect((await schemaOf(name)).versions).toHaveLength(index)
        }
      }
      expect(await migrateUntil('nothing')).toEqual(whole)
    } finally {
      await proxy.stop()
    }
    expect(await schemaOf(name)).toEqual(await expected())
    const store = await openStore(urlOf(name), { meter: 'demo' })
    expect(await store.records(all)).toEqual([record])
    await store.close()
  })

  it('REQ-K5: a server that is killed between a step and its note is gone on with by the meter that had asked it', async () => {
    const name = await made('server_killed')
    let mayKill = true
    const proxy = await startStatementProxy(server.port, async ({ sql }) => {
      if (!mayKill || sql !== noteOf(9)) return true
      mayKill = false
      await server.stop('SIGKILL')
      return false
    })
    const store = await openStore(urlOf(name, proxy.port), { meter: 'demo' })
    try {
      await expect(store.records(all)).rejects.toMatchObject({ code: 'STORE_READ' })
      server = await startMariadb(folder.path, server.port)
      await connectAsRoot()
      expect((await schemaOf(name)).versions).toHaveLength(8)
      expect(await store.records(all)).toEqual([])
      expect(await schemaOf(name)).toEqual(await expected())
    } finally {
      await store.close()
      await proxy.stop()
    }
  })

  it('REQ-K5: of four meters that come at once one makes the steps, and the others wait for it', async () => {
    const name = await made('four')
    const heard: Statement[] = []
    const everybody = Promise.withResolvers<void>()
    const proxy = await startStatementProxy(server.port, async (statement) => {
      heard.push(statement)
      if (heard.filter(({ sql }) => isLock(sql)).length === 4) everybody.resolve()
      if (isLock(statement.sql)) await everybody.promise
      return true
    })
    try {
      const meters = await Promise.all(
        Array.from({ length: 4 }, () => startMigrating(urlOf(name, proxy.port))),
      )
      for (const meter of meters) meter.begin()
      const ended = await Promise.all(meters.map((meter) => meter.ended()))
      expect(ended).toEqual([whole, whole, whole, whole])
    } finally {
      await proxy.stop()
    }
    const stepped = heard.filter(({ sql }) => isStep(sql))
    expect(stepped.map(({ sql }) => sql)).toEqual(steps)
    expect(new Set(stepped.map(({ connection }) => connection)).size).toBe(1)
    expect(await schemaOf(name)).toEqual(await expected())
  })

  it('REQ-K5: whoever finds the schema being changed says so, goes on once it is not, and keeps no lock; another database is none of it', async () => {
    const name = await made('busy')
    const lock = `concat('parley-schema-', md5('${name}'))`
    const heldBy = async () => (await rows(`SELECT IS_USED_LOCK(${lock}) AS held`))[0]?.held
    await root.query(`SELECT GET_LOCK(${lock}, 0)`)
    const { user, password } = database
    const location = { host: '127.0.0.1', port: server.port, user, password, database: name }
    const store = openMysqlStore(location, 'demo', { schemaWaitSeconds: 1 })
    try {
      const error = await store.records(all).catch((error: Error) => error)
      expect(error).toMatchObject({ code: 'STORE_MIGRATING' })
      expect(String(error)).toMatch(/has been changed over another connection for 1 s.*PROCESSLIST/)
      await expected()
      await root.query(`SELECT RELEASE_LOCK(${lock})`)
      expect(await store.records(all)).toEqual([])
      // Its connections are open yet.
      expect(await heldBy()).toBeNull()
    } finally {
      await store.close()
    }
  })
})

describe('the schema of a SQLite store', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  afterAll(() => folder?.remove())

  const schemaOf = (path: string) => {
    const db = new DatabaseSync(path)
    const objects = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    db.close()
    return { version, objects }
  }
  const expected = async () => {
    const path = join(folder.path, 'whole.db')
    await (await openStore(`sqlite:${path}`)).close()
    expect(schemaOf(path).version).toBe(sqliteMigrations.length)
    return schemaOf(path)
  }

  // The version of before has one step; two statements come before the others, and one after them, which notes them.
  it.each([3, 12, 1 + sqliteMigrations.length, 2 + sqliteMigrations.length])(
    'REQ-H3, REQ-K5: killed after %i statements is the one of before, with all that was in it; the next meter brings it up to date',
    async (statements) => {
      const path = join(folder.path, `killed-${statements}.db`)
      const db = new DatabaseSync(path)
      db.exec(sqliteMigrations[0] ?? '')
      db.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA user_version = 1;
        INSERT INTO allocations VALUES (1, 'pod-a.demo', 'mallory', '1', 'c:1', NULL, NULL, NULL,
          'udp', ${start}, ${start}, ${start}, ${start}, 0);
        INSERT INTO allocation_hours VALUES (1, ${start}, 0, 0, 0, 0, 0, 0, 1200, 0)`)
      db.close()
      const before = schemaOf(path)
      const doomed = await startMigrating(`sqlite:${path}`, String(statements))
      doomed.begin()
      expect(await doomed.ended()).toEqual(killed)
      expect(schemaOf(path)).toEqual(before)
      const next = await startMigrating(`sqlite:${path}`)
      next.begin()
      expect(await next.ended()).toEqual(whole)
      expect(schemaOf(path)).toEqual(await expected())
      const store = await openStore(`sqlite:${path}`)
      expect(await store.records(all)).toEqual([record])
      await store.close()
    },
  )

  it('REQ-K5: of four that come at once none fails', async () => {
    for (const round of [1, 2, 3]) {
      const path = join(folder.path, `four-${round}.db`)
      const meters = await Promise.all(
        Array.from({ length: 4 }, () => startMigrating(`sqlite:${path}`)),
      )
      for (const meter of meters) meter.begin()
      const ended = await Promise.all(meters.map((meter) => meter.ended()))
      expect(ended).toEqual([whole, whole, whole, whole])
      expect(schemaOf(path)).toEqual(await expected())
    }
  })
})
