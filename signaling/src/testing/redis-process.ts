import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@parley/devcluster'
import { execa } from 'execa'
import { firstLine } from './first-line.ts'

/** A Redis of one's own on a free port of loopback, with nothing kept on disk. */
export async function startRedis(port?: number) {
  const at = port ?? (await freePort())
  const dir = mkdtempSync(join(tmpdir(), 'parley-redis-'))
  const options = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir]
  const child = execa('redis-server', ['--port', String(at), ...options], {
    reject: false,
    buffer: false,
  })
  await firstLine(child.stdout, (line) => line.includes('Ready to accept'))
  return {
    port: at,
    url: `redis://127.0.0.1:${at}/0`,
    signal: (name: NodeJS.Signals) => child.kill(name),
    async stop() {
      child.kill('SIGKILL')
      await child
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
