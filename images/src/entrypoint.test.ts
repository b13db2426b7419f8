import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { execa } from 'execa'
import { repositoryRoot } from './paths.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-entrypoint-'))
  await mkdir(join(folder, 'bin'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Runs an entrypoint to its end, with a server that does nothing in place of the real one. */
async function start(...args: Parameters<typeof begin>) {
  return (await begin(...args)).process
}

/** The same, and does not wait: `log()` is what it has said so far. */
async function begin(
  image: string,
  server: string,
  env: Record<string, string>,
  does = 'echo "$0 $*"',
) {
  await program(server, does)
  await sqlite()
  await scripts(image)
  const process = run(join(repositoryRoot, 'images', image, 'entrypoint.sh'), env)
  let said = ''
  process.all.on('data', (chunk) => {
    said += chunk
  })
  return { process, log: () => said }
}

/** A program that scripts find before the real one. */
async function program(name: string, does: string): Promise<void> {
  const file = join(folder, 'bin', name)
  await writeFile(file, `#!/bin/sh\n${does}\n`)
  await chmod(file, 0o755)
}

/** Those that others call by name. */
async function scripts(image: string) {
  if (image !== 'coturn') return
  await copyFile(
    join(repositoryRoot, 'images/coturn/turn-allocations.sh'),
    join(folder, 'bin/turn-allocations'),
  )
}

/** `sqlite3 … FILE` with statements on stdin, for machines that have Node's SQLite alone. */
async function sqlite() {
  const statements = `new (require('node:sqlite').DatabaseSync)(process.argv.at(-1)).exec(require('node:fs').readFileSync(0, 'utf8'))`
  await program('sqlite3', `exec ${process.execPath} -e "${statements}" -- "$@"`)
}

function run(script: string, env: Record<string, string>) {
  return execa('sh', [script], {
    reject: false,
    all: true,
    extendEnv: false,
    env: {
      PATH: `${join(folder, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      PARLEY_ETC: join(folder, 'etc'),
      PARLEY_RUN: join(folder, 'run'),
      PARLEY_WAIT_SECONDS: '0.05',
      PARLEY_POLL_SECONDS: '0.05',
      ...env,
    },
  })
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === 200) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, 'etc', name)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }
}

describe('coturn entrypoint', () => {
  const env = {
    POD_NAME: 'demo-turn-abc',
    NODE_NAME: 'node-1',
    HOST_IP: '10.0.0.7',
    CLUSTER_NAME: 'demo',
    REDIS_HOST: '127.0.0.1',
    TURN_RELAY_MIN: '50000',
    TURN_RELAY_MAX: '50100',
  }
  const files = {
    'secrets/turn/secrets': 'newest\n\n  older ',
    'secrets/redis/password': 'redis-pw\n',
    'turn/addresses.json': '{\n  "node-10": "203.0.113.10", "node-1" : "203.0.113.1"\n}',
    'turn/denied-peers': '',
    'turn/allowed-peers': '',
  }
  const configuration = async () => {
    const text = await readFile(join(folder, 'run/turnserver.conf'), 'utf8')
    return text.trimEnd().split('\n')
  }

  const rows = (table: string) => {
    const database = new DatabaseSync(join(folder, 'run/turndb'), { readOnly: true })
    try {
      return database
        .prepare(`SELECT * FROM ${table} ORDER BY 2`)
        .all()
        .map((row) => Object.values(row).join(' ').trim())
    } finally {
      database.close()
    }
  }

  it('REQ-K3: writes realm, ports, every secret and the external address of its own node', async () => {
    await write(files)
    const { exitCode } = await start('coturn', 'turnserver', env)
    expect(exitCode).toBe(0)
    expect(rows('turn_secret')).toEqual(['demo-turn-abc.demo newest', 'demo-turn-abc.demo older'])
    expect(await configuration()).toEqual(
      expect.arrayContaining([
        'realm=demo-turn-abc.demo',
        'listening-ip=10.0.0.7',
        'relay-ip=10.0.0.7',
        'listening-port=3478',
        'min-port=50000',
        'max-port=50100',
        'external-ip=203.0.113.1/10.0.0.7',
        'use-auth-secret',
        // Browsers do not need it, and it would lead to any TCP port of an allowed peer.
        'no-tcp-relay',
        'redis-statsdb="ip=127.0.0.1 port=6379 dbname=0 password=redis-pw connect_timeout=5"',
      ]),
    )
  })

  it('REQ-K5: reports to the database of Redis that its URL names', async () => {
    await write({ ...files, 'secrets/redis/url': 'redis://:p%40w@redis.example.com:6379/3' })
    await start('coturn', 'turnserver', env)
    expect((await configuration()).join('\n')).toContain('port=6379 dbname=3 password=redis-pw')
  })

  it.each([
    ['is told to take nobody new, if it knows how', `trap 'echo drained; exit 0' USR1`, 'drained'],
    ['is left alone, if it would end on that', '', 'allocation is left'],
  ])('REQ-K7: coturn that goes %s', async (_, trap, says) => {
    await write(files)
    const server = `${trap}\nwhile :; do sleep 0.02; done`
    const running = start('coturn', 'turnserver', env, server)
    await eventually(async () => readFile(join(folder, 'run/server.pid'), 'utf8'))
    const pid = Number(await readFile(join(folder, 'run/server.pid'), 'utf8'))
    await run(join(repositoryRoot, 'images/coturn/turn-drain.sh'), {
      ...env,
      PARLEY_QUIET_SECONDS: '0',
    })
    // Fails if it is gone already: without a handler the signal would have ended it.
    if (trap === '') process.kill(pid)
    const { all } = await running
    expect(all).toContain(says)
  })

  it('REQ-K3: keeps secrets out of the log and of others’ reach', async () => {
    await write(files)
    const { all } = await start('coturn', 'turnserver', env)
    expect(all).not.toMatch(/newest|older|redis-pw/)
    for (const file of ['turnserver.conf', 'turndb']) {
      const { mode } = await stat(join(folder, 'run', file))
      expect(mode & 0o777).toBe(0o600)
    }
    expect((await configuration()).join('\n')).not.toMatch(/newest|older/)
  })

  it.each([
    ['blank', ' \n\t\n', 'is missing or blank'],
    ['half written', 'newest\nnewer', 'ends within a secret: it is half written'],
  ])('REQ-K3: keeps the secrets it has when the file is %s', async (_, text, says) => {
    await write({ ...files, 'secrets/turn/secrets': 'newer-one\nolder\n' })
    const running = await begin('coturn', 'turnserver', env, 'while :; do sleep 0.02; done')
    const { log } = running
    await eventually(async () => expect(log()).toContain('secrets accepted: 2'))
    await write({ 'secrets/turn/secrets': text })
    await eventually(async () => expect(log()).toContain('going on with the secrets'))
    expect(log()).toContain(says)
    expect(rows('turn_secret')).toEqual([
      'demo-turn-abc.demo newer-one',
      'demo-turn-abc.demo older',
    ])
    // What is whole is taken, also with an old one that is written without its end of line.
    await write({ 'secrets/turn/secrets': 'newest\nnewer-one' })
    await eventually(async () =>
      expect(rows('turn_secret')).toEqual([
        'demo-turn-abc.demo newer-one',
        'demo-turn-abc.demo newest',
      ]),
    )
    process.kill(Number(await readFile(join(folder, 'run/server.pid'), 'utf8')))
    await running.process
    expect(log()).not.toMatch(/newe|older/)
  })

  it('REQ-K3: does not start with a file of nothing but blanks', async () => {
    await write({ ...files, 'secrets/turn/secrets': ' \n' })
    const { exitCode, all } = await start('coturn', 'turnserver', env)
    expect(exitCode).toBe(1)
    expect(all).toContain('is missing or blank')
  })

  it('REQ-K3: turns CIDRs of denied and allowed peers into the ranges that coturn knows', async () => {
    await write({
      ...files,
      'turn/denied-peers':
        '# built in\n10.0.0.0/8\n100.64.0.0/10\n192.168.3.9/24 # a home\n240.0.0.0/4\n0.0.0.0/0\nfc00::/7\n64:ff9b::/96\n2001:DB8:1:2::5/63\n::/0\n10.1.0.1-10.1.0.9\n',
      'turn/more-denied-peers': '203.0.113.0/24',
      'turn/allowed-peers': '10.0.0.7\n10.0.0.8/32',
    })
    await start('coturn', 'turnserver', env)
    const lines = (await configuration()).filter((line) => line.includes('-peer-ip='))
    expect(lines).toEqual([
      'denied-peer-ip=10.0.0.0-10.255.255.255',
      'denied-peer-ip=100.64.0.0-100.127.255.255',
      'denied-peer-ip=192.168.3.0-192.168.3.255',
      'denied-peer-ip=240.0.0.0-255.255.255.255',
      'denied-peer-ip=0.0.0.0-255.255.255.255',
      'denied-peer-ip=fc00:0:0:0:0:0:0:0-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      'denied-peer-ip=64:ff9b:0:0:0:0:0:0-64:ff9b:0:0:0:0:ffff:ffff',
      'denied-peer-ip=2001:db8:1:2:0:0:0:0-2001:db8:1:3:ffff:ffff:ffff:ffff',
      'denied-peer-ip=0:0:0:0:0:0:0:1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      'denied-peer-ip=10.1.0.1-10.1.0.9',
    ])
    expect(rows('allowed_peer_ip')).toEqual(['10.0.0.7', '10.0.0.8-10.0.0.8'])
    expect(rows('denied_peer_ip')).toEqual(['203.0.113.0-203.0.113.255'])
  })

  it('REQ-K3: refuses to start with a peer range that it cannot read, so that nothing is left open', async () => {
    await write({ ...files, 'turn/denied-peers': '10.0.0.0/8\nmetadata.internal\n' })
    const { exitCode, all } = await start('coturn', 'turnserver', env)
    expect(exitCode).toBe(1)
    expect(all).toContain('denied-peers')
  })

  it('REQ-K1: ends as turnserver ends, so that a crash is seen', async () => {
    await write(files)
    const { exitCode, all } = await start('coturn', 'turnserver', env, 'exit 3')
    expect(exitCode).toBe(3)
    expect(all).toContain('turnserver ended by itself with code 3')
  })

  it('REQ-K3: maps no external address when it is the node’s own', async () => {
    await write({ ...files, 'turn/addresses.json': '{"node-1":"10.0.0.7"}' })
    await start('coturn', 'turnserver', env)
    expect((await configuration()).join('\n')).not.toContain('external-ip')
  })

  it('REQ-K3: waits, and says for what, until its node has an external address', async () => {
    await write({ ...files, 'turn/addresses.json': '{"node-10":"203.0.113.10"}' })
    // It comes while the script waits.
    await program(
      'sleep',
      `printf '%s' '${files['turn/addresses.json']}' >"$PARLEY_ETC/turn/addresses.json"`,
    )
    const { exitCode, all } = await start('coturn', 'turnserver', env)
    expect(exitCode).toBe(0)
    expect(all).toContain('waiting: node node-1 has no external address')
  })

  it.each([
    ['POD_NAME', ''],
    ['HOST_IP', '10.0.0.7 x'],
    ['TURN_RELAY_MIN', 'many'],
    ['TURN_RELAY_MIN', '50101'],
  ])('REQ-K3: names %s when it is "%s"', async (name, value) => {
    await write(files)
    const { exitCode, all } = await start('coturn', 'turnserver', { ...env, [name]: value })
    expect(exitCode).toBe(1)
    expect(all).toMatch(new RegExp(`error: .*${name}`))
  })
})

describe('redis entrypoint', () => {
  it('REQ-K1: puts the password into a file that only it can read, not into arguments', async () => {
    await mkdir(join(folder, 'data'))
    await write({ 'secrets/redis/password': 'redis-pw\n' })
    const { exitCode, all } = await start('redis', 'redis-server', {
      PARLEY_DATA: join(folder, 'data'),
    })
    expect(exitCode).toBe(0)
    expect(all).not.toContain('redis-pw')
    const file = join(folder, 'run/redis.conf')
    expect(await readFile(file, 'utf8')).toContain('requirepass "redis-pw"')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('REQ-K1: names the missing password file', async () => {
    const { exitCode, all } = await start('redis', 'redis-server', {})
    expect(exitCode).toBe(1)
    expect(all).toContain('secrets/redis/password is missing or empty')
  })
})

describe('webapp entrypoint', () => {
  it.each([
    ['demo-signaling:8080', 'demo-signaling.meetings.svc.cluster.local:8080'],
    ['demo-signaling.meetings:8080', 'demo-signaling.meetings.svc.cluster.local:8080'],
    ['demo-signaling.meetings.svc:8080', 'demo-signaling.meetings.svc.cluster.local:8080'],
    ['signaling.example.com:443', 'signaling.example.com:443'],
    ['10.96.0.9:8080', '10.96.0.9:8080'],
    ['localhost:8080', '127.0.0.1:8080'],
  ])('REQ-K1: passes %s to nginx as %s', async (given, expected) => {
    await writeFile(
      join(folder, 'resolv.conf'),
      'search meetings.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n',
    )
    const { exitCode } = await start('webapp', 'nginx', {
      SIGNALING_UPSTREAM: given,
      PARLEY_WEBAPP_ETC: join(repositoryRoot, 'images/webapp'),
      PARLEY_RESOLV_CONF: join(folder, 'resolv.conf'),
      TMPDIR: folder,
    })
    expect(exitCode).toBe(0)
    const text = await readFile(join(folder, 'nginx/nginx.conf'), 'utf8')
    expect(text).toContain(`set $signaling ${expected};`)
    expect(text).toContain('resolver 10.96.0.10 valid=10s;')
    expect(text).not.toMatch(/@[A-Z]+@/)
    // Without an SFU its location answers 404.
    expect(text).toContain('set $sfu "";')
  })

  it('REQ-K8: passes the SFU to nginx by its full name, and refuses what is no address', async () => {
    await writeFile(join(folder, 'resolv.conf'), 'search m.svc.c.local svc.c.local c.local\n')
    const env = {
      SIGNALING_UPSTREAM: 'demo-signaling:8080',
      PARLEY_WEBAPP_ETC: join(repositoryRoot, 'images/webapp'),
      PARLEY_RESOLV_CONF: join(folder, 'resolv.conf'),
      TMPDIR: folder,
    }
    await start('webapp', 'nginx', { ...env, SFU_UPSTREAM: 'demo-sfu.meetings.svc:7880' })
    const text = await readFile(join(folder, 'nginx/nginx.conf'), 'utf8')
    expect(text).toContain('set $sfu "demo-sfu.meetings.svc.c.local:7880";')
    const bad = await start('webapp', 'nginx', { ...env, SFU_UPSTREAM: 'x";y' })
    expect(bad.exitCode).toBe(1)
    expect(bad.all).toContain('SFU_UPSTREAM is not host:port')
  })

  it('REQ-W5: lets the page connect to where people sign in, and to nobody else', async () => {
    const env = {
      SIGNALING_UPSTREAM: 'localhost:8080',
      PARLEY_WEBAPP_ETC: join(repositoryRoot, 'images/webapp'),
      TMPDIR: folder,
    }
    const policy = () => readFile(join(folder, 'nginx/headers.conf'), 'utf8')
    expect((await start('webapp', 'nginx', env)).exitCode).toBe(0)
    expect(await policy()).toContain("connect-src 'self';")
    const PAGE_CONNECT = 'https://id.example.com:8443 https://tokens.example.com'
    await start('webapp', 'nginx', { ...env, PAGE_CONNECT })
    expect(await policy()).toContain(`connect-src 'self' ${PAGE_CONNECT};`)
    const bad = await start('webapp', 'nginx', {
      ...env,
      PAGE_CONNECT: "https://a; script-src 'x'",
    })
    expect(bad.exitCode).toBe(1)
    expect(bad.all).toContain('PAGE_CONNECT is no list of origins')
  })
})
