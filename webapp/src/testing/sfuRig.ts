import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBinaries, freePorts } from '@parley/devcluster'
import { parseConfig, type Signaling, startSignaling } from '@parley/signaling'
import { execa } from 'execa'

const liveKitKey = { apiKey: 'test', secret: randomBytes(24).toString('hex') }
const turnSecret = randomBytes(24).toString('hex')

/**
 * What stands around the page in a cluster: signaling on Redis, LiveKit and coturn, each the real
 * one, and a proxy that puts all behind one origin as the webapp's nginx does. On this machine.
 *
 * @param meshMax participants with which a room is still a mesh
 * @param returnSeconds how long a room has to be small again to go back to the mesh
 */
export async function startSfuRig(meshMax: number, returnSeconds = 30) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-sfu-'))
  const address = ownAddress()
  const children: ReturnType<typeof server>[] = []
  const file = async (name: string, content: string) => {
    const path = join(directory, name)
    await writeFile(path, content)
    return path
  }
  const run = (command: string, args: string[], env = {}) => {
    const child = server(command, args, env)
    children.push(child)
    return child
  }

  const [{ livekit }, ports] = await Promise.all([ensureBinaries(['livekit']), freePorts(8)])
  const [redisPort, sfuPort, sfuTcp, turnPort, ...signalingPorts] = ports as number[]
  const outDir = join(directory, 'dist')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const built = execa('vite', ['build', '--outDir', outDir, '--logLevel', 'warn'], {
    cwd: root,
    preferLocal: true,
    localDir: root,
  })

  const startRedis = () =>
    run('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''])
  let redis = startRedis()
  // LiveKit ends where there is none.
  await until(() => answersAt(redisPort as number))

  const sfuConfig = await file(
    'livekit.yaml',
    [
      `port: ${sfuPort}`,
      'bind_addresses: [127.0.0.1]',
      `redis: { address: "127.0.0.1:${redisPort}" }`,
      `keys: { ${liveKitKey.apiKey}: ${liveKitKey.secret} }`,
      `rtc: { tcp_port: ${sfuTcp}, port_range_start: 40000, port_range_end: 40400, node_ip: "${address}", use_external_ip: false }`,
      'signal_relay: { retry_timeout: 60s }',
      'logging: { level: warn }',
    ].join('\n'),
  )
  const startSfu = () => run(join(livekit, 'server'), ['--config', sfuConfig])
  let sfu = startSfu()

  run('turnserver', [
    ...['-n', '--use-auth-secret', `--static-auth-secret=${turnSecret}`, '--realm=test.test'],
    ...[`--listening-port=${turnPort}`, `--listening-ip=${address}`, `--relay-ip=${address}`],
    ...['--min-port=45000', '--max-port=45100', '--no-cli', '--no-tls', '--no-dtls'],
    ...['--log-file=stdout', `--pidfile=${join(directory, 'turn.pid')}`],
  ])

  const settings = {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'silent',
    PARLEY_MESH_MAX: String(meshMax),
    PARLEY_MESH_RETURN_SECONDS: String(returnSeconds),
    PARLEY_DRAIN_SECONDS: '20',
    PARLEY_SFU: 'LiveKit',
    PARLEY_SFU_API: `http://127.0.0.1:${sfuPort}`,
    PARLEY_SFU_KEYS_FILE: await file('keys', `${liveKitKey.apiKey}: ${liveKitKey.secret}\n`),
    PARLEY_TURN_SECRET_FILE: await file('turn-secret', turnSecret),
    PARLEY_JOIN_KEY_FILE: await file('join-key', 'a signing key of this test alone, long enough'),
    PARLEY_TURN_ENDPOINTS_FILE: await file(
      'endpoints.json',
      JSON.stringify({ urls: [`turn:${address}:${turnPort}?transport=udp`] }),
    ),
    REDIS_URL_FILE: await file('redis-url', `redis://127.0.0.1:${redisPort}/0`),
  }
  await built
  const replicas: { server: Signaling; port: number }[] = []
  /** Where new connections go: to the first. */
  const front: number[] = []
  const startReplica = async () => {
    const port = signalingPorts.shift() as number
    const server = await startSignaling(
      parseConfig({ ...settings, PORT: String(port), PARLEY_WEBAPP_DIR: outDir }),
    )
    const replica = { server, port }
    replicas.unshift(replica)
    front.unshift(port)
    return replica
  }
  await startReplica()

  // As kube-proxy and nginx do it: a new connection goes to the newest replica that is ready.
  const proxy = startProxy((url) =>
    url.startsWith('/rtc') ? (sfuPort as number) : (front[0] as number),
  )
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  await until(async () => {
    const [page, media] = await Promise.all([fetch(`${url}/readyz`), fetch(`${url}/rtc/validate`)])
    // LiveKit refuses who shows no token, which shows that it is there.
    return page.ok && media.status === 401
  })

  return {
    url,
    startReplica,
    replicas,
    /** Ends LiveKit as a lost node would. */
    async stopSfu() {
      sfu.kill('SIGKILL')
      await sfu
    },
    /** The same, and starts it again where it was. */
    async restartSfu() {
      await this.stopSfu()
      sfu = startSfu()
    },
    /** One more, as a process that can be killed; new connections go to it until then. */
    async startReplicaProcess() {
      const port = signalingPorts.shift() as number
      const main = fileURLToPath(new URL('../../../signaling/src/main.ts', import.meta.url))
      const env = { ...settings, PORT: String(port), PARLEY_WEBAPP_DIR: outDir }
      const child = run(process.execPath, [main], env)
      await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok)
      front.unshift(port)
      return {
        async kill() {
          front.splice(front.indexOf(port), 1)
          child.kill('SIGKILL')
          await child
        },
      }
    },
    async stopRedis() {
      redis.kill('SIGKILL')
      await redis
    },
    /** Redis comes back with an empty memory. */
    startRedis() {
      redis = startRedis()
    },
    async restartRedis() {
      await this.stopRedis()
      this.startRedis()
    },
    async stop() {
      proxy.closeAllConnections()
      proxy.close()
      await Promise.all(replicas.map(({ server }) => server.close().catch(() => {})))
      for (const child of children) child.kill('SIGKILL')
      for (const child of children) await child
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function server(command: string, args: string[], env: Record<string, string>) {
  return execa(command, args, { env, reject: false, buffer: false, stdio: 'ignore' })
}

function startProxy(portOf: (url: string) => number) {
  const forward = (incoming: IncomingMessage) =>
    request({
      host: '127.0.0.1',
      port: portOf(incoming.url ?? ''),
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    })
  const proxy = createServer((incoming, answer) => {
    const upstream = forward(incoming)
    upstream.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    upstream.on('error', () => answer.writeHead(502).end())
    incoming.pipe(upstream)
  })
  proxy.on('upgrade', (incoming, socket: Socket, head) => {
    socket.on('error', () => {})
    const upstream = forward(incoming)
    upstream.on('error', () => socket.destroy())
    upstream.on('response', (response) => {
      socket.end(`HTTP/1.1 ${response.statusCode} Refused\r\nConnection: close\r\n\r\n`)
      response.resume()
    })
    upstream.on('upgrade', (response, other, first) => {
      const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}`)
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
      if (first.length > 0) socket.write(first)
      if (head.length > 0) other.write(head)
      other.on('error', () => socket.destroy())
      other.on('close', () => socket.destroy())
      socket.on('close', () => other.destroy())
      other.pipe(socket).pipe(other)
    })
    upstream.end()
  })
  return proxy
}

/** Where browsers on this machine reach what it serves: LiveKit and coturn take no loopback. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const own = all.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (!own) throw new Error('no network interface has an IPv4 address: add one, or bring it up')
  return own.address
}

async function answersAt(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}

async function until(holds: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`the servers of the test were not up in ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
