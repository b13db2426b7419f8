import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals'
import { ensureBinaries, freePort } from '@parley/devcluster'
import { execa } from 'execa'
import { repositoryRoot } from './paths.ts'
import { asRoot } from './tools.ts'

/* The scripts of the LiveKit image around the real livekit-server, with a real Redis, on loopback. */
jest.setTimeout(120_000)

const SECRETS = { APIfirst: 'first'.repeat(8), APIsecond: 'second'.repeat(8) }
/** With all that a URL has to escape. */
const REDIS_PASSWORD = 'integration "p@ss\\word"'

let folder: string
let redisPort: number
let redis: ChildProcess | undefined
const sfus: Sfu[] = []

beforeAll(async () => {
  const { livekit } = await ensureBinaries(['livekit'])
  folder = await mkdtemp(join(tmpdir(), 'parley-livekit-'))
  redisPort = await freePort()
  await mkdir(join(folder, 'bin'))
  await symlink(join(livekit, 'server'), join(folder, 'bin/livekit-server'))
  const url = `redis://:${encodeURIComponent(REDIS_PASSWORD)}@127.0.0.1:${redisPort}/0`
  const keys = Object.entries(SECRETS).map(([key, secret]) => `${key}: ${secret}\n`)
  await symlink(image('sfu-check.pl'), join(folder, 'bin/sfu-check'))
  await write('secrets/livekit/keys', keys.join(''))
  await write('secrets/redis/url', url)
  await write('sfu/addresses.json', '{"node-1": "127.0.0.1"}')
}, 300_000)

afterEach(() => Promise.all(sfus.splice(0).map((sfu) => sfu.kill())))

afterAll(async () => {
  await stopRedis()
  await rm(folder, { recursive: true, force: true })
})

it('REQ-K1: waits for Redis, then is ready; stays alive without it, and is ready again with it', async () => {
  const sfu = await Sfu.start()
  await until(() => sfu.log.includes(`waiting: Redis at 127.0.0.1:${redisPort} does not answer`))
  expect(await sfu.is('alive')).toBe(false)
  startRedis()
  await until(() => sfu.is('ready'))

  await stopRedis()
  // LiveKit calls itself unhealthy four seconds after it last wrote to Redis.
  await until(async () => !(await sfu.is('ready')))
  expect(await sfu.is('alive')).toBe(true)
  startRedis()
  await until(() => sfu.is('ready'))
  expect(sfu.exitCode).toBeUndefined()
})

it('REQ-K3: takes tokens of every key and of no other; secrets are in no log and out of others’ reach', async () => {
  startRedis()
  const sfu = await Sfu.start()
  await until(() => sfu.is('ready'))
  for (const [key, secret] of Object.entries(SECRETS)) {
    expect(await sfu.validate(token(key, secret, 'keys'))).toBe(200)
  }
  expect(await sfu.validate(token('APIfirst', 'other'.repeat(8), 'keys'))).toBe(401)
  expect(await sfu.validate(token('APIother', SECRETS.APIfirst, 'keys'))).toBe(401)

  for (const secret of [...Object.values(SECRETS), 'p@ss']) expect(sfu.log).not.toContain(secret)
  for (const file of ['keys', 'livekit.yaml']) {
    expect((await stat(join(sfu.run, file))).mode & 0o777).toBe(0o600)
  }
  const arguments_ = await execa('ps', ['-o', 'args=', '--ppid', String(sfu.pid)])
  expect(arguments_.stdout).toContain(`livekit-server --config ${sfu.run}/livekit.yaml`)
})

it('REQ-K1: tells clients the external address of its node, and takes media on the ports it was given', async () => {
  startRedis()
  const sfu = await Sfu.start()
  await until(() => sfu.is('ready'))
  const text = await readFile(join(sfu.run, 'livekit.yaml'), 'utf8')
  for (const line of [
    'node_ip: "127.0.0.1"',
    'port_range_start: 41000',
    'port_range_end: 41099',
    'region: "eu-central-1"',
  ]) {
    expect(text).toContain(line)
  }
  // LiveKit has read it that way.
  expect(sfu.log).toContain('"rtc.portICERange":[41000,41099]')
  expect(sfu.log).toContain('"nodeIP":"127.0.0.1"')
})

it('REQ-K1: waits, and says once for what, until its node has an external address', async () => {
  startRedis()
  await write('sfu/addresses.json', '{"node-10": "203.0.113.10"}')
  const sfu = await Sfu.start()
  const waits = 'waiting: node node-1 has no external address'
  await until(() => sfu.log.includes(waits))
  await write('sfu/addresses.json', '{"node-10": "203.0.113.10", "node-1": "127.0.0.1"}')
  await until(() => sfu.is('ready'))
  expect(sfu.log.split(waits)).toHaveLength(2)
})

it('REQ-K7: ends at once when nobody is there', async () => {
  startRedis()
  // At times this is the moment in which LiveKit 1.13 misses the signal.
  const sfu = await Sfu.start({ PARLEY_POLL_SECONDS: '1' })
  await until(() => sfu.is('ready'))
  sfu.terminate()
  await until(() => sfu.exitCode !== undefined)
  expect(sfu.exitCode).toBe(0)
  expect(sfu.log).toContain('draining: rooms may go on for 600 s')
})

it('REQ-K7: ends at once, as process 1 of a container, when it still waits for something', async () => {
  await stopRedis()
  const sfu = await Sfu.start({}, [...asRoot(), 'unshare', '--pid', '--fork', '--kill-child=KILL'])
  await until(() => sfu.log.includes('waiting: Redis'))
  const { stdout } = await execa('pgrep', ['-P', String(sfu.pid)])
  const [file = '', ...args] = [...asRoot(), 'kill', '-TERM', stdout.trim()]
  await execa(file, args)
  await until(() => sfu.exitCode !== undefined)
  expect(sfu.exitCode).toBe(143)
})

it('REQ-K7: asks again where LiveKit has missed the signal and nobody is there', async () => {
  startRedis()
  const bin = await mkdtemp(join(folder, 'deaf-'))
  await writeFile(
    join(bin, 'livekit-server'),
    `#!/bin/sh\ntrap '[ -z "$heard" ] || exit 0; heard=1' TERM\necho up\nwhile :; do sleep 0.1; done\n`,
  )
  await writeFile(join(bin, 'sfu-check'), '#!/bin/sh\n[ "$1" = empty ]\n')
  for (const file of ['livekit-server', 'sfu-check']) await chmod(join(bin, file), 0o755)
  const sfu = await Sfu.start({
    PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
    PARLEY_POLL_SECONDS: '1',
  })
  await until(() => sfu.log.includes('up'))
  sfu.terminate()
  await until(() => sfu.exitCode !== undefined)
  expect(sfu.exitCode).toBe(0)
})

it('REQ-K7: goes on while somebody is in a room, takes no new room, and ends when the last has left', async () => {
  startRedis()
  const sfu = await Sfu.start()
  await until(() => sfu.is('ready'))
  const participant = await sfu.join('drain', 'p-1')
  sfu.terminate()
  await until(() => sfu.log.includes('waiting for participants to exit'))
  expect(await sfu.is('alive')).toBe(true)
  expect(participant.readyState).toBe(WebSocket.OPEN)
  // Who comes late finds the room; another room would have to be elsewhere.
  const late = await sfu.join('drain', 'p-2')
  await expect(sfu.join('other', 'p-3')).rejects.toThrow()

  leave(participant)
  leave(late)
  await until(() => sfu.exitCode !== undefined)
  expect(sfu.exitCode).toBe(0)
})

it('REQ-K7: sends everybody elsewhere when the time to drain is over', async () => {
  startRedis()
  const sfu = await Sfu.start({ SFU_DRAIN_SECONDS: '1' })
  await until(() => sfu.is('ready'))
  const participant = await sfu.join('over', 'p-1')
  const closed = once(participant, 'close')
  sfu.terminate()
  await closed
  await until(() => sfu.exitCode !== undefined)
  expect(sfu.log).toContain('the time to drain is over')
})

it.each([
  ['NODE_NAME', ''],
  ['HOST_IP', '127.0.0.1 x'],
  ['SFU_MEDIA_MIN', 'many'],
  ['SFU_MEDIA_MIN', '41100'],
])('REQ-K1: names %s when it is "%s"', async (name, value) => {
  const sfu = await Sfu.start({ [name]: value })
  await until(() => sfu.exitCode !== undefined)
  expect(sfu.exitCode).toBe(1)
  expect(sfu.log).toMatch(new RegExp(`error: .*${name}`))
})

/** The entrypoint, with ports of its own. */
class Sfu {
  readonly run: string
  readonly #env: Record<string, string>
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  log = ''
  exitCode: number | undefined

  private constructor(run: string, env: Record<string, string>, inside: readonly string[]) {
    this.run = run
    this.#env = env
    // A process group of its own, of which nothing is left behind whatever a test finds.
    const [file = '', ...args] = [...inside, 'sh', image('entrypoint.sh')]
    this.#process = spawn(file, args, { env, detached: true })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk) => {
        this.log += chunk
      })
    }
    this.#ended = once(this.#process, 'close').then(([code]) => {
      this.exitCode = code ?? -1
    })
  }

  /** @param inside a command that runs another one */
  static async start(
    env: Record<string, string> = {},
    inside: readonly string[] = [],
  ): Promise<Sfu> {
    const run = await mkdtemp(join(folder, 'run-'))
    const all = {
      PATH: `${join(folder, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      PARLEY_ETC: join(folder, 'etc'),
      PARLEY_RUN: run,
      PARLEY_WAIT_SECONDS: '0.1',
      NODE_NAME: 'node-1',
      HOST_IP: '127.0.0.1',
      SFU_PORT: String(await freePort()),
      SFU_TCP_PORT: String(await freePort()),
      SFU_METRICS_PORT: String(await freePort()),
      SFU_MEDIA_MIN: '41000',
      SFU_MEDIA_MAX: '41099',
      SFU_REGION: 'eu-central-1',
      SFU_DRAIN_SECONDS: '600',
      ...env,
    }
    const sfu = new Sfu(run, all, inside)
    sfus.push(sfu)
    return sfu
  }

  get pid() {
    return this.#process.pid
  }

  async is(what: 'ready' | 'alive'): Promise<boolean> {
    const options = { env: this.#env, extendEnv: false, reject: false }
    return (await execa(image('sfu-check.pl'), [what], options)).exitCode === 0
  }

  async validate(accessToken: string): Promise<number> {
    const { SFU_PORT } = this.#env
    return (await fetch(`http://127.0.0.1:${SFU_PORT}/rtc/validate?access_token=${accessToken}`))
      .status
  }

  /** A participant who only ever signals: the room has to wait for it all the same. */
  async join(room: string, identity: string): Promise<WebSocket> {
    const query = new URLSearchParams({
      access_token: token('APIfirst', SECRETS.APIfirst, room, identity),
      protocol: '15',
      sdk: 'js',
      auto_subscribe: '1',
    })
    const socket = new WebSocket(`ws://127.0.0.1:${this.#env.SFU_PORT}/rtc?${query}`)
    await new Promise<void>((resolve, reject) => {
      // The first message is the answer to joining.
      socket.addEventListener('message', () => resolve(), { once: true })
      socket.addEventListener('error', () => reject(new Error(`${identity} cannot join`)))
    })
    return socket
  }

  terminate(): void {
    this.#process.kill('SIGTERM')
  }

  async kill(): Promise<void> {
    if (this.exitCode === undefined && this.pid !== undefined) process.kill(-this.pid, 'SIGKILL')
    await this.#ended
  }
}

/** SignalRequest.leave of LiveKit's protocol: field 8, an empty message. */
function leave(socket: WebSocket): void {
  socket.send(Uint8Array.of((8 << 3) | 2, 0))
}

function token(key: string, secret: string, room: string, identity = 'p-0'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
    iss: key,
    sub: identity,
    exp: Math.floor(Date.now() / 1000) + 600,
    video: { roomJoin: true, room },
  })}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

const image = (file: string) => join(repositoryRoot, 'images/livekit', file)

function startRedis(): void {
  if (redis) return
  redis = spawn('redis-server', ['-'], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] })
  const password = REDIS_PASSWORD.replace(/[\\"]/g, '\\$&')
  redis.stdin?.end(`port ${redisPort}\nbind 127.0.0.1\nsave ""\nrequirepass "${password}"\n`)
}

async function stopRedis(): Promise<void> {
  const ended = redis && once(redis, 'close')
  redis?.kill('SIGTERM')
  await ended
  redis = undefined
}

async function write(name: string, text: string): Promise<void> {
  const file = join(folder, 'etc', name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited a minute for: ${condition}`)
    await delay(50)
  }
}
