import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from '@parley/devcluster'
import { formatTurnUsername } from '@parley/protocol'
import { execa } from 'execa'
import { Redis } from 'ioredis'

/** Real servers for integration tests: started here, on loopback, and stopped by their own handle. */

const debianPackages = {
  'redis-server': 'redis-server',
  turnserver: 'coturn',
  turnutils_uclient: 'coturn',
  turnutils_peer: 'coturn',
  ip: 'iproute2',
  mariadbd: 'mariadb-server-core',
  'mariadb-install-db': 'mariadb-server-core',
  openssl: 'openssl',
} as const

const turnSecret = 'test-secret'

export type RunningProcess = {
  /** Ends it and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'parley-meter-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export async function startRedis(
  folder: string,
  port?: number,
): Promise<RunningProcess & { port: number; url: string }> {
  const chosen = port ?? (await freePort())
  const child = start('redis-server', [
    ...['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    ...['--requirepass', turnSecret],
  ])
  await listening(chosen)
  return {
    port: chosen,
    url: `redis://:${turnSecret}@127.0.0.1:${chosen}/0`,
    stop: stopperOf(child),
  }
}

/** A Redis that takes TLS alone, with a user of its own. */
export async function startSecureRedis(
  folder: string,
): Promise<RunningProcess & { url: (database: number) => string; caFile: string }> {
  const port = await freePort()
  const pem = (name: string) => join(folder, `redis-${name}.pem`)
  await selfSigned(pem)
  const child = start('redis-server', [
    ...['--port', '0', '--tls-port', String(port), '--bind', '127.0.0.1', '--save', ''],
    ...['--tls-cert-file', pem('cert'), '--tls-key-file', pem('key'), '--tls-auth-clients', 'no'],
    ...[
      '--dir',
      folder,
      '--requirepass',
      'nobody',
      '--user',
      'meter',
      'on',
      '>p@ss',
      '~*',
      '&*',
      '+@all',
    ],
  ])
  await listening(port)
  return {
    url: (database) => `rediss://meter:p%40ss@localhost:${port}/${database}`,
    caFile: pem('cert'),
    stop: stopperOf(child),
  }
}

/** Where in a network of the test's own a process runs; left out: on loopback of the machine. */
export type Place = { namespace: string; address: string }

/** A Redis in a network namespace, which those outside of it reach by its socket. */
export async function startRedisIn(
  folder: string,
  { namespace }: Place,
): Promise<RunningProcess & { port: number; url: string }> {
  const [port, socket] = [6379, join(folder, 'redis.sock')]
  const child = start(
    'redis-server',
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
      ...['--unixsocket', socket, '--requirepass', turnSecret],
    ],
    namespace,
  )
  await eventually(async () => {
    const connection = connect(socket)
    try {
      await once(connection, 'connect')
    } finally {
      connection.destroy()
    }
  })
  return { port, url: `${socket}?password=${turnSecret}`, stop: stopperOf(child) }
}

export async function startCoturn(
  folder: string,
  options: { redisPort: number; realm: string; place?: Place },
): Promise<RunningProcess & { port: number }> {
  const { namespace, address } = options.place ?? { address: '127.0.0.1' }
  const port = options.place ? 3478 : await freePort()
  const relayFrom = 20_000 + Math.floor(Math.random() * 60) * 200
  const statsdb = `ip=127.0.0.1 port=${options.redisPort} dbname=0 password=${turnSecret} connect_timeout=5`
  const child = start(
    'turnserver',
    [
      ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout'],
      ...['--listening-ip', address, '--relay-ip', address, '--listening-port', String(port)],
      ...['--min-port', String(relayFrom), '--max-port', String(relayFrom + 199)],
      ...['--allow-loopback-peers', '--lt-cred-mech', '--use-auth-secret'],
      ...['--static-auth-secret', turnSecret, '--realm', options.realm],
      ...['--userdb', join(folder, `turndb-${port}`), '--pidfile', join(folder, `pid-${port}`)],
      ...['--redis-statsdb', statsdb],
    ],
    namespace,
  )
  if (namespace) await listeningIn(namespace, port)
  else await listening(port)
  return { port, stop: stopperOf(child) }
}

export const database = { user: 'parley', password: 'p@ss/w%rd', database: 'parley' } as const

/** A MariaDB that speaks TLS too; `user`'s `-tls` twin must. Its data stay in `folder` from run to run. */
export async function startMariadb(folder: string, port?: number): Promise<RunningMariadb> {
  const chosen = port ?? (await freePort())
  const data = join(folder, 'mariadb')
  const pem = (name: string) => join(folder, `${name}.pem`)
  const statements = join(folder, 'init.sql')
  if (port === undefined) {
    await execa('mariadb-install-db', [
      ...['--no-defaults', `--datadir=${data}`, '--skip-test-db', '--user=root'],
      '--auth-root-authentication-method=normal',
    ])
    await selfSigned(pem)
    const { user, password, database: name } = database
    await writeFile(
      statements,
      [
        `CREATE DATABASE ${name};`,
        `CREATE USER '${user}'@'%' IDENTIFIED BY '${password}';`,
        `CREATE USER '${user}-tls'@'%' IDENTIFIED BY '${password}' REQUIRE SSL;`,
        `GRANT ALL ON ${name}.* TO '${user}'@'%', '${user}-tls'@'%';`,
      ].join('\n'),
    )
  }
  const child = start('mariadbd', [
    ...['--no-defaults', '--user=root', `--datadir=${data}`, '--bind-address=127.0.0.1'],
    ...[`--port=${chosen}`, `--socket=${join(folder, 'mariadb.sock')}`],
    ...[`--pid-file=${join(folder, 'mariadb.pid')}`, '--innodb-buffer-pool-size=32M'],
    // Commits outlive the process, which is killed; to the disk itself they need not go.
    ...['--innodb-flush-log-at-trx-commit=2', '--skip-name-resolve'],
    ...[`--ssl-cert=${pem('cert')}`, `--ssl-key=${pem('key')}`],
    ...(port === undefined ? [`--init-file=${statements}`] : []),
  ])
  const ended = async () => {
    throw new Error((await child).all)
  }
  await Promise.race([listening(chosen), ended()])
  const url = (user: string, host = '127.0.0.1') => {
    const { password, database: name } = database
    return `mysql://${user}:${encodeURIComponent(password)}@${host}:${chosen}/${name}`
  }
  return {
    port: chosen,
    url: url(database.user),
    tlsUrl: url(`${database.user}-tls`, 'localhost'),
    ca: await readFile(pem('cert'), 'utf8'),
    stop: stopperOf(child),
  }
}

export type RunningMariadb = RunningProcess & {
  port: number
  url: string
  /** Of a user who may only come over TLS. */
  tlsUrl: string
  /** The certificate that it shows, which is its own authority. */
  ca: string
}

async function selfSigned(pem: (name: string) => string): Promise<void> {
  requireBinary('openssl')
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', pem('key'), '-out', pem('cert'), '-days', '2', '-subj', '/CN=test'],
    ...['-addext', 'subjectAltName=DNS:localhost'],
  ])
}

/**
 * Two clients that send each other `messages` messages of `bytes` bytes through their allocations
 * (plus, for each, the RTCP allocation that turnutils_uclient opens). The child ends when all came.
 */
export function startTurnClients(options: {
  port: number
  username: string
  messages: number
  bytes: number
  intervalMs?: number
  /** How they reach TURN; default: udp. */
  transport?: 'udp' | 'tcp'
  /** Where they run, and whom their allocations talk to; left out: on loopback, and each other. */
  to?: { from: Place; server: Place; peer: { address: string; port: number } }
}): ServerProcess {
  const { port, username, messages, bytes, intervalMs = 1, transport = 'udp', to } = options
  const password = createHmac('sha1', turnSecret).update(username).digest('base64')
  const whom = to ? ['-c', '-e', to.peer.address, '-r', String(to.peer.port)] : ['-y']
  return start(
    'turnutils_uclient',
    [
      ...[
        ...whom,
        ...(transport === 'tcp' ? ['-t'] : []),
        '-m',
        '1',
        '-n',
        String(messages),
        '-l',
        String(bytes),
        '-z',
        String(intervalMs),
      ],
      ...['-u', username, '-w', password, '-p', String(port), to?.server.address ?? '127.0.0.1'],
    ],
    to?.from.namespace,
  )
}

/** What the clients say at their end that they sent and received: payload alone. */
export function clientCounters(output: string): { sentBytes: number; receivedBytes: number } {
  const last = [...output.matchAll(/tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)/g)].at(-1)
  if (!last) throw new Error(`the clients said no totals: ${output.slice(-500)}`)
  return { sentBytes: Number(last[1]), receivedBytes: Number(last[2]) }
}

/** A peer that sends back what it gets. */
export function startEcho({ namespace, address }: Place, port: number): RunningProcess {
  const child = start('turnutils_peer', ['-L', address, '-p', String(port)], namespace)
  return { stop: stopperOf(child) }
}

/** A username as the signaling server mints it, valid for an hour, of a room that no other test has. */
export function mintUsername(participant: string): string {
  const expiry = Math.floor(Date.now() / 1000) + 3600
  return formatTurnUsername(expiry, {
    tenant: 'acme',
    room: `room-${randomBytes(4).toString('hex')}`,
    participant,
  })
}

/** What coturn published, as it came, by a subscriber that is not the meter. */
export async function recordStatsdb(redisUrl: string) {
  const redis = new Redis(redisUrl)
  const lines: { t: number; channel: string; message: string }[] = []
  // It comes back by itself.
  redis.on('error', () => {})
  redis.on('pmessage', (_pattern, channel, message) =>
    lines.push({ t: Date.now(), channel, message }),
  )
  await redis.psubscribe('turn/realm/*')
  return { lines, stop: async () => redis.disconnect() }
}

/** Resolves when those who listen have heard all that was said before: what is said now comes after it. */
export async function heardAll(redisUrl: string, lines: readonly { channel: string }[]) {
  const redis = new Redis(redisUrl)
  const last = `turn/realm/none/${randomBytes(4).toString('hex')}`
  await redis.publish(last, '')
  redis.disconnect()
  await eventually(() => {
    if (!lines.some(({ channel }) => channel === last)) throw new Error('not all was heard')
  })
}

/** How many listen to what coturn publishes. */
export async function listeners(redisUrl: string): Promise<number> {
  const redis = new Redis(redisUrl)
  const clients = `${await redis.client('LIST')}`
  redis.disconnect()
  return [...clients.matchAll(/ psub=1 /g)].length
}

export async function setKey(redisUrl: string, key: string, value: string): Promise<void> {
  const redis = new Redis(redisUrl)
  await redis.set(key, value)
  redis.disconnect()
}

/** Calls `check` until it no longer throws; throws its last error after `withinMs`. */
export async function eventually<T>(check: () => Promise<T> | T, withinMs = 60_000): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function start(binary: keyof typeof debianPackages, args: string[], namespace?: string) {
  requireBinary(binary)
  const options = { reject: false, all: true, stdin: 'ignore' } as const
  // `ip netns exec` becomes the program itself, so signals reach that.
  return namespace
    ? execa('ip', ['netns', 'exec', namespace, binary, ...args], options)
    : execa(binary, args, options)
}

type ServerProcess = ReturnType<typeof start>

function requireBinary(binary: keyof typeof debianPackages): void {
  const found = (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, binary), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (!found) throw new Error(`${binary} is missing: apt-get install -y ${debianPackages[binary]}`)
}

function stopperOf(child: ServerProcess) {
  return async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    await child
  }
}

/** Looks whether anything listens there; from outside nobody can connect. */
async function listeningIn(namespace: string, port: number): Promise<void> {
  const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0A`)
  await eventually(async () => {
    const { stdout } = await execa('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/tcp'])
    if (!listening.test(stdout)) throw new Error(`nothing listens on ${port}`)
  })
}

/** Connects and hangs up, as health checks do, as soon as the port takes it. */
export async function listening(port: number): Promise<void> {
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
    } finally {
      socket.destroy()
    }
  })
}
