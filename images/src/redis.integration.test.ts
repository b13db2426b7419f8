import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { freePort } from '@parley/devcluster'
import { execa } from 'execa'
import { repositoryRoot } from './paths.ts'

jest.setTimeout(120_000)

/** The entrypoint of the Redis image, around Debian's redis-server. */
describe('the managed Redis', () => {
  let folder: string
  let port: number
  let running: ReturnType<typeof start> | undefined
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-redis-'))
    for (const name of ['etc/secrets/redis', 'run', 'data'])
      await mkdir(join(folder, name), { recursive: true })
    await writeFile(join(folder, 'etc/secrets/redis/password'), 'pw\n')
    port = await freePort()
  })
  afterEach(async () => {
    running?.kill('SIGKILL')
    await running
    await rm(folder, { recursive: true, force: true })
  })

  const start = () =>
    execa('sh', [join(repositoryRoot, 'images/redis/entrypoint.sh')], {
      env: {
        ...{ PARLEY_ETC: join(folder, 'etc'), PARLEY_RUN: join(folder, 'run') },
        ...{ PARLEY_DATA: join(folder, 'data'), REDIS_PORT: String(port) },
      },
      reject: false,
      all: true,
    })
  const ask = async (...command: string[]) => {
    const args = ['-p', String(port), ...command]
    const { stdout } = await execa('redis-cli', args, {
      env: { REDISCLI_AUTH: 'pw' },
      reject: false,
    })
    return stdout
  }
  const up = async () => {
    running = start()
    const deadline = Date.now() + 60_000
    while ((await ask('ping')) !== 'PONG') {
      if (Date.now() > deadline) throw new Error('redis does not answer')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'REQ-K1: a restart after %s loses nothing that was said to be stored',
    async (signal) => {
      await up()
      expect(await ask('config', 'get', 'appendfsync')).toContain('everysec')
      const written = Array.from({ length: 200 }, (_, key) => `key-${key}`)
      expect(await ask('mset', ...written.flatMap((key) => [key, `value of ${key}`]))).toBe('OK')
      running?.kill(signal)
      await running
      await up()
      expect(await ask('dbsize')).toBe('200')
      expect(await ask('get', 'key-199')).toBe('value of key-199')
    },
  )
})
