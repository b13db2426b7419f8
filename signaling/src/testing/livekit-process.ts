import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBinaries, freePort } from '@parley/devcluster'
import { execa } from 'execa'
import { mintLiveKitToken } from '../sfu.ts'

/** Long enough for LiveKit. */
export const liveKitKey = { apiKey: 'test', secret: 'a-secret-of-these-tests-and-nothing-else' }

/** The real livekit-server on loopback, with its rooms in a Redis. */
export async function startLiveKit(redisPort: number) {
  const [{ livekit }, port, tcpPort, dir] = await Promise.all([
    ensureBinaries(['livekit']),
    freePort(),
    freePort(),
    mkdtemp(join(tmpdir(), 'parley-livekit-')),
  ])
  const config = join(dir, 'livekit.yaml')
  await writeFile(
    config,
    [
      `port: ${port}`,
      'bind_addresses: [127.0.0.1]',
      `redis: { address: "127.0.0.1:${redisPort}" }`,
      `keys: { ${liveKitKey.apiKey}: ${liveKitKey.secret} }`,
      `rtc: { tcp_port: ${tcpPort}, port_range_start: 41200, port_range_end: 41299, node_ip: 127.0.0.1, use_external_ip: false }`,
      'logging: { level: error }',
    ].join('\n'),
  )
  let child = execa(join(livekit, 'server'), ['--config', config], quiet)
  const url = `http://127.0.0.1:${port}`
  const up = async () => {
    let isOver = false
    void child.then(() => {
      isOver = true
    })
    while (!(await fetch(url).catch(() => undefined))?.ok) {
      if (isOver) throw new Error('livekit-server has ended')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const stop = async () => {
    child.kill('SIGKILL')
    await child
  }
  await up()
  return {
    url,
    stop,
    /** Once it was stopped. */
    async start() {
      child = execa(join(livekit, 'server'), ['--config', config], quiet)
      await up()
    },
    async end() {
      await stop()
      await rm(dir, { recursive: true, force: true })
    },
    /**
     * The signaling connection of a participant, who needs nothing else to be in the room and hear of what
     * goes on there.
     * @throws where LiveKit refuses the token
     */
    async enter(token: string): Promise<WebSocket> {
      const query = new URLSearchParams({ access_token: token, protocol: '15', sdk: 'js' })
      const socket = new WebSocket(`${url.replace('http', 'ws')}/rtc?${query}`)
      await new Promise<void>((resolve, reject) => {
        // The first message is the answer to joining.
        socket.addEventListener('message', () => resolve(), { once: true })
        socket.addEventListener('error', () => reject(new Error('LiveKit lets nobody in')))
      })
      return socket
    },
    /** As signaling would have given it to somebody of the default tenant. */
    token: (room: string, participant: string) =>
      mintLiveKitToken(
        liveKitKey,
        { tenant: 'default', room, participant, name: participant },
        Date.now(),
        600,
      ),
  }
}

const quiet = { reject: false, buffer: false, stdio: 'ignore' } as const

export function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === WebSocket.CLOSED) resolve()
    else socket.addEventListener('close', () => resolve(), { once: true })
  })
}
