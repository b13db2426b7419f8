import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

export interface Measured {
  url: string
  pid: number
  stop(): Promise<void>
}

/** Signs the tokens and invitations of these servers. */
export const joinKey = 'a key of this bench that is long enough'

/** A signaling server of one process, rooms in memory, that lets as many in as come. */
export async function startServer(folder: string): Promise<Measured> {
  await mkdir(folder, { recursive: true })
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    PARLEY_MESH_MAX: '8',
    PARLEY_MESSAGES_PER_SECOND: '1000000',
    PARLEY_JOINS_PER_SECOND: '1000000',
    PARLEY_TURN_SECRET_FILE: await file('turn-secret', 'a secret of this bench'),
    PARLEY_JOIN_KEY_FILE: await file('join-key', joinKey),
    PARLEY_TURN_ENDPOINTS_FILE: await file(
      'endpoints.json',
      JSON.stringify({ urls: ['turn:192.0.2.1:3478?transport=udp'] }),
    ),
  }
  return started(
    fileURLToPath(new URL('../../../../signaling/src/main.ts', import.meta.url)),
    env,
    (line) => {
      const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
      return msg === 'signaling started' ? url : undefined
    },
  )
}

export function startEcho(): Promise<Measured> {
  return started(fileURLToPath(new URL('./echo-process.ts', import.meta.url)), {}, (line) => line)
}

async function started(
  script: string,
  env: Record<string, string>,
  urlIn: (line: string) => string | undefined,
): Promise<Measured> {
  const child = execa(process.execPath, [script], { env, reject: false, buffer: false })
  const ended = child.then((): never => {
    throw new Error(`${script} ended before it listened`)
  })
  ended.catch(() => {})
  const listens = async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const url = urlIn(line)
      if (url) return url
    }
    return undefined
  }
  const url = await Promise.race([listens(), ended])
  // What it says later has to go somewhere.
  child.stdout.resume()
  child.stderr.resume()
  if (!url || !child.pid) throw new Error(`${script} does not listen`)
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill('SIGKILL')
      await child
    },
  }
}
