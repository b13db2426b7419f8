import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MeetingCluster } from '@parley/operator/api'
import type { KubernetesObject } from '@parley/operator/render'
import { messageOf, UsageError } from '../errors.ts'
import { type FrontDoor, openFrontDoor, type Upstream } from './front-door.ts'
import { type LocalPod, localPod } from './local-pod.ts'
import { freePort, isFree, machineAddress } from './network.ts'
import { HERE, objectsOf, type Plan, planFor } from './on-machine.ts'
import { Processes } from './processes.ts'
import { findPrograms } from './programs.ts'
import { startStun } from './stun.ts'
import { Watchdog } from './watchdog.ts'
import { builtWebapp, compileCache, viteOf } from './webapp-build.ts'

export interface UpOptions {
  mc: MeetingCluster
  port: number
  /** Address that the web page is served at; media takes the machine's own. */
  host: string
  tls: boolean
  /** The front end from its sources, with hot reload. */
  dev: boolean
  turnPort?: number
  /** One line of what happens. */
  say: (line: string) => void
  /** Each line that a process says. */
  onLine?: (name: string, line: string) => void
  /** Ends it, in order. */
  stop: AbortSignal
}

export interface Up {
  /** Where people meet. */
  url: string
  readyMs: number
  /** Where files are for as long as it runs; each component has a folder, as its pod has `/`. */
  folder: string
  /** The meter's store, `sqlite:…`; undefined where nothing is metered. */
  store?: string
  /** The keys that sign links. */
  keyFile: string
  /** Rejects when a process ends by itself. */
  failed: Promise<never>
  /** The meter's report of all of this run as JSON; undefined where nothing is metered. */
  report(): Promise<unknown>
  /** Ends all processes and removes all files. When this process ends without it, that is done then, the hard way. */
  close(): Promise<void>
}

/** Not by `new URL`: what is named so is copied into the bundle. */
const checkout = resolve(import.meta.dirname, '../../..')
const graceMs = 4000
/** Between two looks at whether a process is ready. */
const lookMs = 30

/**
 * Starts the data plane of a MeetingCluster as processes of this machine, and resolves when people can meet.
 * Whatever it has started is gone when it rejects.
 */
export async function startUp(options: UpOptions): Promise<Up> {
  const startedAt = performance.now()
  if (!existsSync(join(checkout, 'webapp', 'vite.config.ts')))
    throw new UsageError('parley up runs from a clone of Parley, with npm ci done: it is not here')
  const folder = await mkdtemp(join(tmpdir(), 'parley-up-'))
  const watchdog = new Watchdog(folder)
  const processes = new Processes(options.onLine, (pid) => watchdog.watch(pid))
  const closers: (() => unknown)[] = []
  const kill = () => {
    processes.kill()
    // Those who were just killed may have been writing.
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  process.once('exit', kill)
  const ending = new AbortController()
  let starting: Promise<unknown> = Promise.resolve()
  const close = async () => {
    ending.abort()
    // What is being started may still write files.
    await Promise.allSettled([processes.stop(graceMs), starting])
    for (const one of closers.toReversed()) await one()
    await rm(folder, { recursive: true, force: true })
    await watchdog.dismiss()
    process.off('exit', kill)
  }
  const session = { ...options, folder, processes, closers, ending: ending.signal }
  try {
    const begun = start(session)
    starting = begun
    const started = await Promise.race([begun, processes.failed, aborted(options.stop)])
    return {
      ...started,
      folder,
      readyMs: performance.now() - startedAt,
      failed: processes.failed,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Session = UpOptions & {
  folder: string
  processes: Processes
  closers: (() => unknown)[]
  /** Aborted when all is to end: nobody waits for what will not come. */
  ending: AbortSignal
}

interface Ports {
  redis: number
  signaling: number
  meter: number
  vite: number
  sfu: { http: number; media: number; metrics: number }
}

async function start(session: Session): Promise<Pick<Up, 'url' | 'store' | 'keyFile' | 'report'>> {
  const { folder, say, closers, ending, mc: wanted } = session
  const upstreams = new Map<'signaling' | 'sfu' | 'vite', Upstream>()
  const found = mediaAddress(session.host) ?? (await machineAddress())
  const { path, programs } = await findPrograms(folder)
  const plan = planFor(wanted, { address: found?.address, network: found?.network, programs })
  const address = found?.address ?? '127.0.0.1'

  const tls = session.tls ? await selfSigned(folder, address) : undefined
  const door = await openDoor(session, tls, (path) => upstreams.get(upstreamFor(path, session.dev)))
  closers.push(() => door.close())
  for (const note of plan.notes) say(`  ! ${note}`)

  const ports = await freePorts(address)
  plan.mc.spec.turn.listenPort = plan.runs.turn ? await turnPort(session, plan, address) : 3478
  let stunUrl = ''
  if (!plan.runs.turn) {
    const stun = await startStun(address)
    closers.push(stun.close)
    stunUrl = stun.url
  }
  const objects = objectsOf(plan, found?.address, stunUrl, randomBytes)
  const run = runner(session, { plan, objects, ports, address, path })

  upstreams.set('signaling', { host: '127.0.0.1', port: ports.signaling })
  upstreams.set('sfu', { host: address, port: ports.sfu.http })
  upstreams.set('vite', { host: '127.0.0.1', port: ports.vite })
  const line = timedLines(say)
  const webapp = session.dev
    ? run.vite().then(() => undefined)
    : builtWebapp(checkout, ending, () => say('  … building the web page, the first time')).then(
        (built) => {
          line('web page')
          return built
        },
      )
  await Promise.all([
    plan.runs.redis && run.redis().then(() => line('Redis')),
    plan.runs.turn &&
      run.turn().then(() => line(`coturn on ${address}:${plan.mc.spec.turn.listenPort}`)),
    plan.runs.sfu && run.sfu().then(() => line('LiveKit')),
    plan.runs.meter && run.meter().then(() => line('meter')),
    session.dev && webapp.then(() => line('web page, from its sources')),
    webapp.then((built) => run.signaling(built)).then(() => line('signaling')),
  ])
  const shown = isWildcard(session.host) ? address : session.host
  return {
    url: `${tls ? 'https' : 'http'}://${isLoopback(shown) ? 'localhost' : shown}:${door.port}/`,
    ...(plan.runs.meter && {
      store: `sqlite:${join(folder, 'meter', 'var', 'lib', 'parley', 'meter.db')}`,
    }),
    keyFile: join(folder, 'signaling', 'etc', 'parley', 'secrets', 'join', 'key'),
    report: async () => (plan.runs.meter ? run.report() : undefined),
  }
}

/** LiveKit's signaling at `/rtc`, ours at `/api` and `/socket.io`; the page is signaling's, or vite's. */
function upstreamFor(path: string, dev: boolean): 'signaling' | 'sfu' | 'vite' {
  if (/^\/rtc(\/|$)/.test(path)) return 'sfu'
  if (/^\/(api|socket\.io)(\/|$)/.test(path)) return 'signaling'
  return dev ? 'vite' : 'signaling'
}

function runner(
  { folder, processes, dev, ending }: Session,
  {
    plan,
    objects,
    ports,
    address,
    path,
  }: {
    plan: Plan
    objects: readonly KubernetesObject[]
    ports: Ports
    address: string
    path: string
  },
) {
  const { mc, runs } = plan
  const { name, namespace = 'default' } = mc.metadata
  const service = (component: string) => `${name}-${component}.${namespace}.svc`
  const replace = [
    [`${service('redis')}:6379`, `127.0.0.1:${ports.redis}`],
    [service('redis'), '127.0.0.1'],
    [`${service('sfu')}:7880`, `${address}:${ports.sfu.http}`],
  ] as const
  const base = {
    ...pick(process.env, ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_OPTIONS']),
    ...compileCache(),
  }

  const prepare = async (component: string) => {
    ending.throwIfAborted()
    const root = join(folder, component)
    const fields = {
      'metadata.name': `${name}-${component}`,
      'spec.nodeName': HERE,
      'status.hostIP': address,
    }
    const pod = localPod(objects, `${name}-${component}`, root, { fields, replace })
    await write(pod)
    return { root, pod }
  }
  /** A component whose image has an entrypoint: that script, with its folders moved. */
  const fromImage = async (
    component: string,
    image: string,
    overrides: Record<string, string>,
    folders: Record<string, string>,
  ) => {
    const { root, pod } = await prepare(component)
    const moved = Object.entries({ PARLEY_ETC: '/etc/parley', ...folders }).map(
      ([variable, at]) => [variable, join(root, at)],
    )
    processes.start({
      name: image,
      file: 'sh',
      args: [join(checkout, 'images', image, 'entrypoint.sh')],
      env: { ...base, ...pod.env, ...overrides, ...Object.fromEntries(moved), PATH: path },
      cwd: root,
    })
  }
  const withRedis = (env: Record<string, string>) => {
    const { REDIS_URL_FILE: _, ...without } = env
    return runs.redis ? env : without
  }
  const meterUrl = `http://127.0.0.1:${ports.meter}`
  const begunAt = Date.now()
  const meterToken = join(folder, 'meter', 'etc/parley/secrets/meter/token')

  return {
    async redis() {
      const overrides = {
        REDIS_PORT: String(ports.redis),
        REDIS_BIND: '127.0.0.1',
        REDIS_APPENDONLY: 'no',
      }
      await fromImage('redis', 'redis', overrides, {
        PARLEY_RUN: '/run/redis',
        PARLEY_DATA: '/data',
      })
      await listening(ports.redis, '127.0.0.1', ending)
    },
    async turn() {
      const redis = runs.redis ? String(ports.redis) : ''
      await fromImage(
        'turn',
        'coturn',
        { REDIS_PORT: redis, ...(runs.redis ? {} : { REDIS_HOST: '' }) },
        { PARLEY_RUN: '/run/coturn' },
      )
      await listening(mc.spec.turn.listenPort, address, ending)
    },
    async sfu() {
      const overrides = {
        SFU_PORT: String(ports.sfu.http),
        SFU_TCP_PORT: String(ports.sfu.media),
        SFU_METRICS_PORT: String(ports.sfu.metrics),
        // Who ends this ends the calls.
        SFU_DRAIN_SECONDS: '0',
      }
      await fromImage('sfu', 'livekit', overrides, { PARLEY_RUN: '/run/livekit' })
      await answering(`http://${address}:${ports.sfu.http}/`, ending)
    },
    async meter() {
      const { root, pod } = await prepare('meter')
      processes.start({
        name: 'meter',
        file: process.execPath,
        args: [join(checkout, 'cli', 'bin', 'parley.mjs'), 'meter'],
        env: { ...base, ...pod.env, METER_HOST: '127.0.0.1', METER_PORT: String(ports.meter) },
        cwd: root,
      })
      await answering(`${meterUrl}/readyz`, ending)
    },
    async signaling(webapp: string | undefined) {
      const { root, pod } = await prepare('signaling')
      processes.start({
        name: 'signaling',
        file: process.execPath,
        args: [join(checkout, 'signaling', 'src', 'main.ts')],
        env: {
          ...base,
          ...withRedis(pod.env),
          HOST: '127.0.0.1',
          PORT: String(ports.signaling),
          PARLEY_DRAIN_SECONDS: '0',
          // Whoever trusts the certificate would be kept from whatever else is on localhost.
          PARLEY_HSTS_SECONDS: '0',
          PARLEY_METER_API: runs.meter ? meterUrl : '',
          ...(runs.turn ? {} : { PARLEY_TURN: 'None' }),
          ...(webapp === undefined ? {} : { PARLEY_WEBAPP_DIR: webapp }),
        },
        cwd: root,
      })
      await answering(`http://127.0.0.1:${ports.signaling}/readyz`, ending)
    },
    async vite() {
      processes.start({
        name: 'vite',
        file: process.execPath,
        args: [
          viteOf(checkout),
          '--host',
          '127.0.0.1',
          '--port',
          String(ports.vite),
          '--strictPort',
        ],
        env: { ...base, PARLEY_SIGNALING_URL: `http://127.0.0.1:${ports.signaling}` },
        cwd: join(checkout, 'webapp'),
      })
      await answering(`http://127.0.0.1:${ports.vite}/`, ending)
      return dev
    },
    async report(): Promise<unknown> {
      const token = (await readFile(meterToken, 'utf8')).trim()
      const query = new URLSearchParams({
        from: new Date(begunAt - 24 * 3600_000).toISOString(),
        to: new Date(Date.now() + 60_000).toISOString(),
        by: 'room,participant',
      })
      const response = await fetch(`${meterUrl}/report?${query}`, {
        headers: { 'x-parley-token': token },
        signal: AbortSignal.timeout(5000),
      })
      if (!response.ok) throw new Error(`the meter answered ${response.status}`)
      return response.json()
    },
  }
}

async function write({ files, folders }: LocalPod): Promise<void> {
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 })
  await Promise.all(
    files.map(async ({ path, content }) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeFile(path, content, { mode: 0o600 })
    }),
  )
}

async function openDoor(
  { host, port }: Session,
  tls: { cert: string; key: string } | undefined,
  upstreamOf: (path: string) => Upstream | undefined,
): Promise<FrontDoor> {
  try {
    return await openFrontDoor({ host, port, tls, upstreamOf })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new Error(`port ${port} is taken: end what holds it, or take another with --port`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new Error(`${host} is no address of this machine: take another with --host`)
    if (code === 'EACCES')
      throw new Error(`port ${port} is not for this user: take one above 1023 with --port`)
    throw error
  }
}

/** That of the spec where nobody has it: coturn's packages start one of their own there. */
async function turnPort(
  { turnPort: asked, say }: Session,
  { mc }: Plan,
  address: string,
): Promise<number> {
  const wanted = asked ?? mc.spec.turn.listenPort
  if (wanted !== 0 && (await isFree(wanted, address))) return wanted
  if (asked)
    throw new Error(`port ${asked} is taken: end what holds it, or take another with --turn-port`)
  const free = await freePort(address)
  if (wanted !== 0)
    say(`  ! Port ${wanted} is taken, by another coturn perhaps: TURN is on ${free}.`)
  return free
}

async function freePorts(address: string): Promise<Ports> {
  const [redis, signaling, meter, vite] = await Promise.all([0, 1, 2, 3].map(() => freePort()))
  const [http, media, metrics] = await Promise.all([0, 1, 2].map(() => freePort(address)))
  return { redis, signaling, meter, vite, sfu: { http, media, metrics } } as Ports
}

/** @returns files with a certificate for this machine, good for a month */
async function selfSigned(folder: string, address: string): Promise<{ cert: string; key: string }> {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  const args = [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', '30', '-subj', '/CN=parley up', '-keyout', files.key, '-out', files.cert],
    ...['-addext', `subjectAltName=DNS:localhost,IP:127.0.0.1,IP:${address}`],
  ]
  try {
    await promisify(execFile)('openssl', args)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('--tls wants openssl, which is not installed: apt-get install openssl')
    throw new Error(`openssl makes no certificate: ${messageOf(error)}`)
  }
  return files
}

async function listening(port: number, host: string, signal: AbortSignal): Promise<void> {
  while (!(await accepts(port, host))) await sleep(lookMs, undefined, { signal })
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

async function answering(url: string, signal: AbortSignal): Promise<void> {
  while (!(await fetch(url, { signal }).catch(() => undefined))?.ok)
    await sleep(lookMs, undefined, { signal })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

function timedLines(say: (line: string) => void) {
  const startedAt = performance.now()
  return (what: string) =>
    say(`  ✓ ${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
}

function mediaAddress(host: string) {
  if (isWildcard(host) || isLoopback(host)) return undefined
  return { address: host, network: `${host}/32` }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, env[name]]))
}
