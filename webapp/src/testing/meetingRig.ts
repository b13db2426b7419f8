import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adminPath } from '@parley/protocol'
import { parseConfig, type Signaling, startSignaling } from '@parley/signaling'
import { signAdminLink } from '@parley/signaling/admin'
import { signInvite } from '@parley/signaling/invite'
import { execa } from 'execa'

const joinKey = 'a signing key of this test alone, long enough'

/**
 * The built page behind the real signaling server, on loopback; media is peer to peer.
 *
 * @param meshMax so many may be in a room
 * @param turn a TURN server; left out: none answers
 * @param more settings besides
 */
export async function startMeetingRig(
  meshMax: number,
  turn = { secret: 'a secret of this test alone', url: 'turn:127.0.0.1:9?transport=udp' },
  more: Record<string, string> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-webapp-'))
  const file = async (name: string, content: string) => {
    const path = join(directory, name)
    await writeFile(path, content)
    return path
  }
  const outDir = join(directory, 'dist')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  await execa('vite', ['build', '--outDir', outDir, '--logLevel', 'warn'], {
    cwd: root,
    preferLocal: true,
    localDir: root,
  })
  const settings = {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'silent',
    PARLEY_MESH_MAX: String(meshMax),
    PARLEY_ALLOWED_ORIGINS: '*',
    PARLEY_TURN_SECRET_FILE: await file('turn-secret', turn.secret),
    PARLEY_JOIN_KEY_FILE: await file('join-key', joinKey),
    PARLEY_TURN_ENDPOINTS_FILE: await file('endpoints.json', JSON.stringify({ urls: [turn.url] })),
    PARLEY_WEBAPP_DIR: outDir,
    ...more,
  }
  /** @param besides settings that are known only once something else runs */
  const start = (port: number, besides: Record<string, string> = {}): Promise<Signaling> =>
    startSignaling(parseConfig({ ...settings, ...besides, PORT: String(port) }))
  return {
    start,
    /** Of a guest to a room, as a host makes it; of the past where the time is below zero. */
    async invitation(
      room: string,
      { ttlSeconds, once = false }: { ttlSeconds: number; once?: boolean },
    ): Promise<string> {
      const guest = { room, tenant: 'default', role: 'guest', once } as const
      return (await signInvite(joinKey, guest, Date.now(), ttlSeconds)).invite
    },
    /** The path of the admin page. */
    adminLink: async (tenant = 'default') =>
      adminPath(await signAdminLink(joinKey, { tenant }, Date.now(), 3600)),
    clean: () => rm(directory, { recursive: true, force: true }),
  }
}
