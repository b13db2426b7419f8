import { createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBinaries } from '@parley/devcluster'
import { parseConfig, type Signaling, startSignaling } from '@parley/signaling'
import { execa } from 'execa'
import { io } from 'socket.io-client'

const liveKitKey = { apiKey: 'test', secret: randomBytes(24).toString('hex') }
const turnSecret = randomBytes(24).toString('hex')

/**
 * What stands around the page in a cluster: signaling on Redis, two LiveKits and coturn, each the real
 * one, and a proxy that puts all behind one origin as the webapp's nginx does. On this machine.
 *
 * @param meshMax participants with which a room is still a mesh
 */
export async function startSfuRig(meshMax: number) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-sfu-'))
  const address = ownAddress()
  const children: ReturnType<typeof server>[] = []
  const file = async (name: string, content: string) => {
    const path = join(directory, name)
    await writeFile(path, content)
    return path
  }
  const run = (command: string, args: string[]) => {
    const child = server(command, args)
    children.push(child)
    return child
  }

  const [{ livekit }, ports] = await Promise.all([ensureBinaries(['livekit']), freePorts(12)])
  const [redisPort, turnPort, ...free] = ports as number[]
  const sfuPorts = [0, 1].map(() => ({ http: port(free), tcp: port(free), metrics: port(free) }))
  const signalingPorts = free
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

  const sfuConfigs = await Promise.all(
    sfuPorts.map(({ http, tcp, metrics }, index) =>
      file(
        `livekit-${index}.yaml`,
        [
          `port: ${http}`,
          `prometheus: { port: ${metrics} }`,
          'bind_addresses: [127.0.0.1]',
          `redis: { address: "127.0.0.1:${redisPort}" }`,
          `keys: { ${liveKitKey.apiKey}: ${liveKitKey.secret} }`,
          `rtc: { tcp_port: ${tcp}, port_range_start: ${40_000 + index * 100}, port_range_end: ${40_099 + index * 100}, node_ip: "${address}", use_external_ip: false }`,
          'signal_relay: { retry_timeout: 60s }',
          'logging: { level: warn }',
        ].join('\n'),
      ),
    ),
  )
  const startSfu = (config: string) => run(join(livekit, 'server'), ['--config', config])
  const sfus = sfuConfigs.map(startSfu)
  const sfuMetrics = async (index: number) =>
    (await fetch(`http://127.0.0.1:${sfuPorts[index]?.metrics}/metrics`)).text()
  const sfuApi = (index: number) => `http://127.0.0.1:${sfuPorts[index]?.http}`

  run('turnserver', [
    ...['-n', '--use-auth-secret', `--static-auth-secret=${turnSecret}`, '--realm=test.test'],
    ...[`--listening-port=${turnPort}`, `--listening-ip=${address}`, `--relay-ip=${address}`],
    ...['--min-port=45000', '--max-port=45100', '--no-cli', '--no-tls', '--no-dtls'],
    ...['--log-file=/dev/null', `--pidfile=${join(directory, 'turn.pid')}`],
  ])

  const settings = {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'silent',
    PARLEY_MESH_MAX: String(meshMax),
    PARLEY_DRAIN_SECONDS: '20',
    PARLEY_SFU: 'LiveKit',
    PARLEY_SFU_API: sfuApi(0),
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
  const startReplica = async () => {
    const port = signalingPorts.shift() as number
    const server = await startSignaling(
      parseConfig({ ...settings, PORT: String(port), PARLEY_WEBAPP_DIR: outDir }),
    )
    const replica = { server, port }
    replicas.unshift(replica)
    return replica
  }
  await startReplica()

  // As kube-proxy and nginx do it: a new connection goes to the newest replica that is ready, and to one LiveKit
  // after the other, also one that is gone.
  let next = 0
  const proxy = startProxy((url) =>
    url.startsWith('/rtc')
      ? (sfuPorts[next++ % sfuPorts.length]?.http as number)
      : (replicas[0]?.port as number),
  )
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  await until(async () => {
    const asked = ['/readyz', ...sfuPorts.map(() => '/rtc/validate')]
    const [page, ...media] = await Promise.all(asked.map((path) => fetch(`${url}${path}`)))
    // LiveKit refuses who shows no token, which shows that it is there.
    return page?.ok === true && media.every(({ status }) => status === 401)
  })

  return {
    url,
    startReplica,
    replicas,
    /** Ends a LiveKit as a lost node would. */
    async killSfu(index: number) {
      sfus[index]?.kill('SIGKILL')
      await sfus[index]
    },
    /** All LiveKits are lost, and started again where they were. */
    async restartSfus() {
      for (const sfu of sfus) sfu.kill('SIGKILL')
      await Promise.all(sfus)
      sfus.splice(0, sfus.length, ...sfuConfigs.map(startSfu))
    },
    /** Makes a room on one LiveKit, before anybody comes. */
    async placeRoom(room: string, index: number) {
      const [, node] = /node_id="([^"]+)"/.exec(await sfuMetrics(index)) ?? []
      const answer = await fetch(`${sfuApi(index)}/twirp/livekit.RoomService/CreateRoom`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: `default.${room}`, node_id: node }),
      })
      if (!answer.ok) throw new Error(`LiveKit made no room: ${await answer.text()}`)
    },
    /** Moves a room of two to the SFU: somebody without media is one too many, and leaves at once. */
    async moveToSfu(room: string) {
      const answer = await fetch(`${url}/api/rooms/${room}/join`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Passer-by' }),
      })
      const { token } = (await answer.json()) as { token: string }
      const socket = io(url, { auth: { token }, transports: ['websocket'], forceNew: true })
      try {
        const none = { audio: false, video: false }
        await socket.timeout(20_000).emitWithAck('room:join', { media: none })
        await socket.timeout(20_000).emitWithAck('room:leave', {})
      } finally {
        socket.disconnect()
      }
    },
    /** Waits until media comes in at a LiveKit from now on. */
    async untilMediaComes(index: number) {
      const packets = async () => {
        const counts = (await sfuMetrics(index)).matchAll(
          /^livekit_packet_total\{[^}]*direction="incoming"[^}]*\} (\S+)/gm,
        )
        return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
      }
      const before = await packets()
      await until(async () => (await packets()) > before + 100, 60_000)
    },
    /** Redis comes back with an empty memory. */
    async restartRedis() {
      redis.kill('SIGKILL')
      await redis
      redis = startRedis()
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

function port(free: number[]): number {
  return free.shift() as number
}

/** A JWT that lets its bearer make rooms. */
function adminToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.ceil(Date.now() / 1000) + 60
  const claims = { iss: liveKitKey.apiKey, exp, video: { roomCreate: true } }
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', liveKitKey.secret).update(text).digest('base64url')}`
}

function server(command: string, args: string[]) {
  return execa(command, args, { reject: false, buffer: false, stdio: 'ignore' })
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
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const own = all.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (!own) throw new Error('no network interface has an IPv4 address: add one, or bring it up')
  return own.address
}

async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  return Promise.all(
    probes.map(async (server) => {
      const { port } = server.address() as AddressInfo
      await new Promise((resolve) => server.close(resolve))
      return port
    }),
  )
}

async function until(holds: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
