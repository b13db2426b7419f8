import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { freePort } from '@parley/devcluster'
import { execa, type ResultPromise } from 'execa'
import { buildImages, type Image } from './build.ts'
import { type Buildah, openBuildah } from './buildah.ts'
import { cachePaths } from './paths.ts'
import { asRoot } from './tools.ts'

// Containers on a machine that may be busy.
jest.setTimeout(120_000)

/*
 * The images as they are shipped, run by `buildah run` as their own user. coturn and Redis share a network namespace
 * with one address, since coturn rightly refuses to relay to loopback.
 */
const ADDRESS = '198.18.0.1'
const REDIS_PASSWORD = 'integration-redis-pw'
const SECRETS = ['integration-newest', 'integration-older']

let buildah: Buildah
let folder: string
let namespaces: Started
let images: readonly Image[]
const containers = new Map<string, string>()
const running: Started[] = []

beforeAll(async () => {
  images = await buildImages({ only: ['parley-coturn', 'parley-redis', 'parley-webapp'] })
  const paths = cachePaths()
  folder = await mkdtemp(join(tmpdir(), 'parley-images-'))
  buildah = await openBuildah({ ...paths, temporary: folder, storage: join(folder, 'storage') })
  namespaces = start([
    ...['unshare', '--net', '--mount', '--propagation=private', 'sh', '-c'],
    `ip link set lo up && ip address add ${ADDRESS}/32 dev lo && echo up && exec sleep 300`,
  ])
  await until(async () => namespaces.log().includes('up'))
  for (const { name, archive } of images) {
    const container = await buildah.run(['from', '--quiet', `oci-archive:${archive}`])
    containers.set(name, container)
    // Mounted once, where every run below sees it.
    const [file = '', ...args] = [
      ...asRoot(),
      ...enter('host'),
      ...buildah.command(['mount', container]),
    ]
    await execa(file, args)
  }
  await write('secrets/turn/secrets', SECRETS.join('\n'))
  await write('secrets/redis/password', REDIS_PASSWORD)
  await write('turn/addresses.json', JSON.stringify({ 'node-1': ADDRESS }))
  await write('turn/denied-peers', '10.0.0.0/8\n198.18.0.0/15\n')
  await write('turn/allowed-peers', ADDRESS)
  for (const scratch of ['run-coturn', 'run-redis', 'data']) {
    await mkdir(join(folder, scratch), { mode: 0o777 })
    await execa('chmod', ['777', join(folder, scratch)])
  }
}, 300_000)

afterAll(async () => {
  for (const { child } of running.reverse()) child.kill('SIGTERM')
  await Promise.allSettled(running.map(({ child }) => child))
  const [file = '', ...args] = [...asRoot(), 'rm', '-rf', folder]
  await execa(file, args)
}, 120_000)

describe('coturn and Redis', () => {
  let coturn: Started

  beforeAll(async () => {
    const coturnEnv = {
      POD_NAME: 'demo-turn-abc',
      NODE_NAME: 'node-1',
      HOST_IP: ADDRESS,
      CLUSTER_NAME: 'demo',
      REDIS_HOST: ADDRESS,
      TURN_RELAY_MIN: '50000',
      TURN_RELAY_MAX: '50099',
    }
    // coturn first: it must find a Redis that comes later.
    coturn = startContainer('parley-coturn', ['parley-coturn'], coturnEnv)
    await until(async () => {
      const ready = await inContainer('parley-coturn', ['turn-ready'], { HOST_IP: ADDRESS })
      return ready.exitCode === 0
    })
    startContainer('parley-redis', ['parley-redis'])
    await until(async () => (await inContainer('parley-redis', ['redis-ready'])).exitCode === 0)
    // coturn tries again every five seconds.
    await until(async () => {
      const clients = await redis(['CLIENT', 'LIST'])
      return clients.split('\n').length > 2
    })
  }, 120_000)

  it('REQ-K3: relays for ephemeral credentials of every secret, and REQ-K5: publishes what it relayed', async () => {
    const feed = startContainer('parley-redis', [
      'sh',
      '-c',
      `REDISCLI_AUTH=${REDIS_PASSWORD} redis-cli psubscribe 'turn/*'`,
    ])
    await until(async () => feed.log().includes('psubscribe'))
    for (const [index, secret] of SECRETS.entries()) {
      const relayed = await relay(secret, `t1.room-${index}.p-1`)
      expect(relayed.all).toContain('Total lost packets 0 ')
    }
    await until(async () => feed.log().includes('t1.room-1.p-1/allocation/'))
    await until(async () => /room-1\.p-1\/allocation\/\d{18}\/total_traffic\n/.test(feed.log()))
    expect(feed.log()).toContain('turn/realm/demo-turn-abc.demo/user/')
    expect(feed.log()).toMatch(/rcvp=\d+, rcvb=\d+, sentp=\d+, sentb=\d+/)
  }, 120_000)

  it('REQ-K3: refuses a secret that it was not given, and a peer that is denied', async () => {
    // By coturn's own log: what a client says before it fails may be lost on the way here.
    const stranger = await relay('not-a-secret', 't1.room-2.p-1')
    expect(stranger.exitCode).not.toBe(0)
    await until(async () => /Cannot find credentials of user <\d+:t1\.room-2\./.test(coturn.log()))
    const inward = await relay(SECRETS[0] ?? '', 't1.room-3.p-1', '10.1.2.3')
    expect(inward.exitCode).not.toBe(0)
    await until(async () => coturn.log().includes('A peer IP 10.1.2.3 denied'))
  }, 120_000)

  it('REQ-K3: shows no secret in its log, and no user of its own', async () => {
    expect(coturn.log()).toContain('password=***')
    for (const secret of [...SECRETS, REDIS_PASSWORD]) expect(coturn.log()).not.toContain(secret)
    const id = await inContainer('parley-coturn', ['id', '-u'])
    expect(id.stdout).toBe('65532')
  })

  it('REQ-K1: Redis answers nobody without its password', async () => {
    const answer = await inContainer('parley-redis', ['redis-cli', 'ping'])
    expect(answer.stdout).toContain('NOAUTH')
  })
})

describe('webapp', () => {
  let upstream: Server
  let url: string

  beforeAll(async () => {
    upstream = createServer((request, response) => response.end(`${request.method} ${request.url}`))
    upstream.on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      )
    })
    await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening))
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    startContainer(
      'parley-webapp',
      ['parley-webapp'],
      {
        PORT: String(port),
        SIGNALING_UPSTREAM: `127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        SFU_UPSTREAM: `127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      },
      'host',
    )
    await until(() =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  }, 120_000)
  afterAll(() => {
    upstream?.close()
  })

  it('REQ-K1: serves the app under every room, assets for good, and the page fresh', async () => {
    const page = await fetch(`${url}/r/some-room`)
    const html = await page.text()
    expect(page.headers.get('cache-control')).toBe('no-cache')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(page.headers.get('strict-transport-security')).toBeNull()
    const compressed: string[] = []
    for (const [, path = ''] of html.matchAll(/"(\/assets\/[^"]+)"/g)) {
      const asset = await fetch(url + path)
      expect(asset.status).toBe(200)
      expect(asset.headers.get('cache-control')).toContain('immutable')
      const isLarge = (await asset.text()).length >= 1024
      expect(asset.headers.get('content-encoding')).toBe(isLarge ? 'gzip' : null)
      if (isLarge) compressed.push(path.replace(/.*\./, ''))
    }
    expect(compressed).toEqual(expect.arrayContaining(['js', 'css']))
    const none = await fetch(`${url}/assets/none.js`)
    expect([none.status, none.headers.get('cache-control')]).toEqual([404, null])
  })

  it('REQ-W5: is to be asked for over TLS only where that was how one came', async () => {
    const said = async (path: string, proto: string) => {
      const { headers } = await fetch(url + path, { headers: { 'x-forwarded-proto': proto } })
      return headers.get('strict-transport-security')
    }
    for (const path of ['/r/some-room', '/assets/none.js']) {
      expect(await said(path, 'https')).toBe('max-age=31536000')
      expect(await said(path, 'http')).toBeNull()
    }
  })

  it('REQ-W5: a link of another site leads nobody straight into a call', async () => {
    const come = (site: string, query: string) =>
      fetch(`${url}/r/room?${query}`, { redirect: 'manual', headers: { 'sec-fetch-site': site } })
    for (const site of ['cross-site', 'same-site']) {
      const answer = await come(site, 'name=Ana&autojoin=1&relay=1')
      expect(answer.status).toBe(303)
      expect(answer.headers.get('location')).toBe('/r/room?name=Ana&autojoin=0&relay=1')
      expect((await come(site, 'autojoin=10')).status).toBe(200)
    }
    for (const site of ['none', 'same-origin'])
      expect((await come(site, 'autojoin=1')).status).toBe(200)
    const ahead = { headers: { 'sec-purpose': 'prefetch;prerender' } }
    expect((await fetch(`${url}/r/room?autojoin=1`, ahead)).status).toBe(503)
    expect((await fetch(`${url}/r/room`, ahead)).status).toBe(200)
  })

  it('REQ-K1: passes the API and WebSockets on to signaling', async () => {
    const answer = await fetch(`${url}/api/rooms/a/join?x=1`, { method: 'POST' })
    expect(await answer.text()).toBe('POST /api/rooms/a/join?x=1')
    const { stdout } = await execa(
      'curl',
      [
        ...['--silent', '--include', '--max-time', '5'],
        ...['--header', 'Connection: Upgrade', '--header', 'Upgrade: websocket'],
        `${url}/socket.io/?EIO=4&transport=websocket`,
      ],
      { reject: false },
    )
    expect(stdout).toContain('101 Switching Protocols')
  })

  it('REQ-K8: passes LiveKit’s signaling on to the SFU, and nothing that is only called alike', async () => {
    for (const path of ['/rtc?access_token=x', '/rtc/validate', '/rtc/v1?join_request=x']) {
      const answer = await fetch(url + path)
      expect(await answer.text()).toBe(`GET ${path}`)
    }
    expect(await (await fetch(`${url}/rtcx`)).text()).toContain('<html')
  })

  it('REQ-K1: says that signaling is away when it is', async () => {
    upstream.closeAllConnections()
    await new Promise((closed) => upstream.close(closed))
    const answer = await fetch(`${url}/api/rooms/a/join`, { method: 'POST' })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { code: 'signaling_unavailable' } })
    expect((await fetch(`${url}/rtc`)).status).toBe(503)
  })
})

it('REQ-K1: unchanged images are not built again, and a tag of one’s own costs no build', async () => {
  const again = await buildImages({
    only: ['parley-coturn', 'parley-redis'],
    tag: 'integration-test',
  })
  expect(again.map(({ builtNow }) => builtNow)).toEqual([false, false])
  expect(again.map(({ ref }) => ref)).toContain('localhost/parley-coturn:integration-test')
  const archive = again.find(({ name }) => name === 'parley-coturn')?.archive ?? ''
  const { stdout } = await execa('tar', [
    '--extract',
    '--to-stdout',
    `--file=${archive}`,
    'index.json',
  ])
  expect(stdout).toContain('"localhost/parley-coturn:integration-test"')
  await rm(dirname(archive), { recursive: true })
}, 120_000)

interface Started {
  readonly child: Pick<ResultPromise, 'pid' | 'kill'> & PromiseLike<unknown>
  readonly log: () => string
}

function start(command: readonly string[]): Started {
  const [file = '', ...args] = [...asRoot(), ...command]
  let text = ''
  const child = execa(file, args, { reject: false, all: true, buffer: false, stdin: 'ignore' })
  child.all.on('data', (chunk) => {
    text += chunk
  })
  const handle = { child, log: () => text }
  running.push(handle)
  return handle
}

function runCommand(
  image: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  where: 'namespace' | 'host',
): string[] {
  const volumes = [
    `${join(folder, 'etc')}:/etc/parley:ro`,
    `${join(folder, 'run-coturn')}:/run/coturn`,
    `${join(folder, 'run-redis')}:/run/redis`,
    `${join(folder, 'data')}:/data`,
  ]
  const run = buildah.command([
    'run',
    ...volumes.map((volume) => `--volume=${volume}`),
    ...Object.entries(env).map(([key, value]) => `--env=${key}=${value}`),
    containers.get(image) ?? '',
    '--',
    ...command,
  ])
  // Killing this ends all that runs in the container.
  const guard = ['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']
  return [...enter(where), ...guard, ...run]
}

/** Into the mount namespace of the tests, and into their network unless a run shall share the machine's. */
function enter(where: 'namespace' | 'host'): string[] {
  const ns = `/proc/${namespaces.child.pid}/ns`
  return [
    'nsenter',
    `--mount=${ns}/mnt`,
    ...(where === 'namespace' ? [`--net=${ns}/net`] : []),
    '--',
  ]
}

function startContainer(
  image: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  where: 'namespace' | 'host' = 'namespace',
) {
  return start(runCommand(image, command, env, where))
}

function inContainer(
  image: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const [file = '', ...args] = [...asRoot(), ...runCommand(image, command, env, 'namespace')]
  return execa(file, args, { reject: false, all: true, stdin: 'ignore' })
}

async function redis(command: readonly string[]): Promise<string> {
  const { stdout } = await inContainer('parley-redis', ['redis-cli', ...command], {
    REDISCLI_AUTH: REDIS_PASSWORD,
  })
  return stdout
}

/** Two clients on one coturn that send 10 packets to each other, or to `peer`. */
function relay(secret: string, participant: string, peer = ADDRESS) {
  const username = `${Math.floor(Date.now() / 1000) + 600}:${participant}`
  const password = createHmac('sha1', secret).update(username).digest('base64')
  const to = peer === ADDRESS ? ['-y'] : []
  return inContainer('parley-coturn', [
    ...['timeout', '20', 'turnutils_uclient', '-u', username, '-w', password],
    ...['-n', '10', '-m', '1', '-l', '200', '-e', peer, ...to, ADDRESS],
  ])
}

async function write(name: string, text: string): Promise<void> {
  const file = join(folder, 'etc', name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 90_000
  while (!(await condition())) {
    if (performance.now() > giveUpAt) {
      throw new Error(
        `this did not come about: ${condition}\n${running.map(({ log }) => log()).join('\n')}`,
      )
    }
    await delay(200)
  }
}
