import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@parley/devcluster'
import { execa } from 'execa'

/** A server that can be killed and started again, on the same port and with the same files. */
export type Restartable = {
  url: string
  pid(): number
  /** Starts it, and resolves when it answers. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Lets it end in order. */
  end(): Promise<void>
}

export const meterToken = 'the token of this run'
const startMs = 60_000

/** A Redis that keeps what it has on disk, a signaling server and a meter, none of them started. */
export async function trafficServers(
  folder: string,
  over: { signaling?: Record<string, string>; meter?: Record<string, string> } = {},
): Promise<{ redis: Restartable; signaling: Restartable; meter: Restartable }> {
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  const [redisPort, signalingPort, meterPort] = await freePorts(3)
  await mkdir(join(folder, 'redis'), { recursive: true })
  const shared = {
    PARLEY_CLUSTER: 'demo',
    PARLEY_REGION: 'eu-central-1',
    REDIS_URL_FILE: await file('redis-url', `redis://127.0.0.1:${redisPort}/0`),
  }
  const signaling = {
    ...shared,
    HOST: '127.0.0.1',
    PORT: String(signalingPort),
    LOG_LEVEL: 'warn',
    PARLEY_TURN: 'None',
    PARLEY_JOINS_PER_SECOND: '1000000',
    PARLEY_TURN_SECRET_FILE: await file('turn-secret', 'a secret of this run'),
    PARLEY_JOIN_KEY_FILE: await file('join-key', 'a key of this run that is long enough'),
    PARLEY_TURN_ENDPOINTS_FILE: await file('endpoints.json', '{"urls":["stun:192.0.2.1:3478"]}'),
    METRICS_FOLDER: join(folder, 'traffic'),
    ...over.signaling,
  }
  const meter = {
    ...shared,
    PARLEY_NAMESPACE: 'meetings',
    METER_HOST: '127.0.0.1',
    METER_PORT: String(meterPort),
    METER_STORE: `sqlite:${join(folder, 'meter.db')}`,
    METER_TOKEN_FILE: await file('meter-token', meterToken),
    METER_PRICES_PRESET: 'aws/eu-central-1',
    ...over.meter,
  }
  const redisArgs = ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '']
  return {
    redis: restartable({
      url: `redis://127.0.0.1:${redisPort}`,
      file: 'redis-server',
      args: [...redisArgs, '--appendonly', 'yes', '--dir', join(folder, 'redis')],
      env: {},
    }),
    signaling: restartable({
      url: `http://127.0.0.1:${signalingPort}`,
      file: process.execPath,
      args: [fileURLToPath(new URL('../../../signaling/src/main.ts', import.meta.url))],
      env: signaling,
      answersAt: '/healthz',
    }),
    meter: restartable({
      url: `http://127.0.0.1:${meterPort}`,
      file: process.execPath,
      args: [fileURLToPath(new URL('./meter-process.ts', import.meta.url))],
      env: meter,
      answersAt: '/healthz',
    }),
  }
}

function restartable(program: {
  url: string
  file: string
  args: readonly string[]
  env: Record<string, string>
  /** Left out: it says so when it is ready. */
  answersAt?: string
}): Restartable {
  const { url, file, args, env, answersAt } = program
  let child: ReturnType<typeof run> | undefined
  const run = () => execa(file, args, { env, reject: false, buffer: false })
  const stop = async (signal: 'SIGKILL' | 'SIGTERM') => {
    child?.kill(signal)
    await child
    child = undefined
  }
  return {
    url,
    pid: () => child?.pid ?? 0,
    async start() {
      child = run()
      let said = ''
      child.stdout.on('data', (text) => {
        said = `${said}${text}`.slice(-2000)
      })
      child.stderr.on('data', (text) => {
        said = `${said}${text}`.slice(-2000)
      })
      let isOver = false
      void child.then(() => {
        isOver = true
      })
      const deadline = Date.now() + startMs
      for (;;) {
        if (isOver) throw new Error(`${file} ended: ${said}`)
        if (await isThere(said)) return
        if (Date.now() > deadline) throw new Error(`${file} does not answer: ${said}`)
        await sleep(20)
      }
    },
    kill: () => stop('SIGKILL'),
    end: () => stop('SIGTERM'),
  }

  async function isThere(said: string): Promise<boolean> {
    if (answersAt === undefined) return said.includes('Ready to accept connections')
    // Not over HTTP: it would be among what is counted.
    if (said.includes('"msg":"meter started"')) return true
    return answersTcp(Number(new URL(url).port))
  }
}

async function answersTcp(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
