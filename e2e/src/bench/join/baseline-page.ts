import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { SERVER } from './lab.ts'

/** A page with LiveKit's own client and nothing else, and what lets it into a room. */
export interface BaselinePage {
  origin: string
  /** @param who the name it goes by @param relay candidates of TURN alone */
  link(room: string, who: string, relay: boolean): string
  close(): void
}

const html = `<!doctype html><meta charset="utf-8"><title>baseline</title>
<script src="/livekit-client.umd.js"></script>
<script type="module">
const asked = new URLSearchParams(location.search)
const room = new LivekitClient.Room()
window.room = room
room.on('trackSubscribed', (track) => document.body.append(track.attach()))
await room.connect(asked.get('url'), asked.get('token'), { rtcConfig: JSON.parse(asked.get('rtc')) })
await room.localParticipant.enableCameraAndMicrophone()
</script>`

/**
 * @param liveKit origin of the livekit-server, `ws://…`
 * @param key a line of its key file
 * @param iceServers for those who are relayed
 */
export async function serveBaseline(
  liveKit: string,
  key: string,
  iceServers: readonly object[],
): Promise<BaselinePage> {
  const require = createRequire(import.meta.url)
  const folder = join(require.resolve('livekit-client'), '..')
  const script = readFileSync(join(folder, 'livekit-client.umd.js'))
  const server = createServer((request, response) => {
    const isScript = request.url?.startsWith('/livekit-client')
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    // As warm as the page that it is compared with.
    if (isScript) response.setHeader('cache-control', 'public, max-age=3600, immutable')
    response.end(isScript ? script : html)
  })
  server.listen(0, SERVER)
  await once(server, 'listening')
  const origin = `http://${SERVER}:${(server.address() as AddressInfo).port}`
  return {
    origin,
    link(room, who, relay) {
      const rtc = relay ? { iceServers, iceTransportPolicy: 'relay' } : {}
      const query = new URLSearchParams({
        url: liveKit,
        token: tokenOf(key, room, who),
        rtc: JSON.stringify(rtc),
      })
      return `${origin}/?${query}`
    },
    close: () => server.close(),
  }
}

/** Lets its bearer join one room for an hour. */
function tokenOf(key: string, room: string, who: string): string {
  const [issuer = '', secret = ''] = key.trim().split('\n', 1)[0]?.split(': ') ?? []
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.ceil(Date.now() / 1000) + 3600
  const claims = { iss: issuer, sub: who, exp, video: { roomJoin: true, room } }
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
