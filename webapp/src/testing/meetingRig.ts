import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConfig, type Signaling, startSignaling } from '@parley/signaling'
import { signInvite } from '@parley/signaling/invite'
import { execa } from 'execa'

const joinKey = 'a signing key of this test alone, long enough'

/**
 * The built page behind the real signaling server, on loopback; media is peer to peer.
 *
 * @param meshMax so many may be in a room
 */
export async function startMeetingRig(meshMax: number) {
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
    PARLEY_TURN_SECRET_FILE: await file('turn-secret', 'a secret of this test alone'),
    PARLEY_JOIN_KEY_FILE: await file('join-key', joinKey),
    PARLEY_TURN_ENDPOINTS_FILE: await file(
      'endpoints.json',
      JSON.stringify({ urls: ['turn:127.0.0.1:9?transport=udp'] }),
    ),
    PARLEY_WEBAPP_DIR: outDir,
  }
  const start = (port: number): Promise<Signaling> =>
    startSignaling(parseConfig({ ...settings, PORT: String(port) }))
  return {
    start,
    /** Of a guest to a room, as a host makes it; of the past where the time is below zero. */
    async invitation(room: string, { ttlSeconds }: { ttlSeconds: number }): Promise<string> {
      const guest = { room, tenant: 'default', role: 'guest' } as const
      return (await signInvite(joinKey, guest, Date.now(), ttlSeconds)).invite
    },
    clean: () => rm(directory, { recursive: true, force: true }),
  }
}
