import { accessSync, constants, globSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Machine, Program } from './on-machine.ts'
import { cacheFolder } from './webapp-build.ts'

const wanted: readonly Program[] = ['turnserver', 'redis-server', 'livekit-server', 'sqlite3']

/**
 * Which programs there are, and a PATH that finds them. Debian keeps servers in folders that not every user's PATH
 * has; LiveKit may have been built by the local cluster of `npm run demo`.
 *
 * @param folder where a link to that is put
 */
export async function findPrograms(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ path: string; programs: Machine['programs'] }> {
  const bin = join(folder, 'bin')
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  const has = (program: string) => folders.some((at) => isExecutable(join(at, program)))
  const programs = Object.fromEntries(wanted.map((program) => [program, has(program)])) as Record<
    Program,
    boolean
  >
  const built = programs['livekit-server'] ? undefined : builtLiveKit(env)
  if (built) {
    await mkdir(bin, { recursive: true })
    await symlink(built, join(bin, 'livekit-server'))
    programs['livekit-server'] = true
  }
  return { path: [...folders, bin].join(delimiter), programs }
}

function builtLiveKit(env: NodeJS.ProcessEnv): string | undefined {
  return globSync(join(cacheFolder(env), 'devcluster', 'livekit-v*', 'server'))
    .filter(isExecutable)
    .toSorted()
    .at(-1)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
