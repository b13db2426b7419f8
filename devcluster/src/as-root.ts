import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Component, ensureBinaries } from './binaries.ts'
import type { OnProgress } from './progress.ts'

const KEPT = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'GOCACHE', 'GOMODCACHE', 'CI']

/**
 * Without root but with a sudo that asks nothing, runs this process's script again as root, after building as the user
 * (whose Go and caches these are). Without either, goes on, and what needs root says so.
 *
 * @param script `import.meta.url` of the script
 * @param components what it takes of {@link ensureBinaries}
 * @returns whether it ran as root; the exit code of this process is then that run's
 */
export async function continuedAsRoot(
  script: string,
  components: readonly Component[],
  onProgress?: OnProgress,
): Promise<boolean> {
  if (process.getuid?.() === 0) return false
  const allowed = await execa('sudo', ['--non-interactive', 'true'], { reject: false })
  if (allowed.exitCode !== 0) return false
  await ensureBinaries(components, onProgress ? { onProgress } : {})
  const environment = KEPT.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [`${name}=${value}`]
  })
  // Ctrl-C reaches the other process too, which knows what to do about it.
  const wait = () => {}
  process.on('SIGINT', wait)
  const { exitCode } = await execa(
    'sudo',
    [
      ...['--non-interactive', 'env', ...environment],
      process.execPath,
      fileURLToPath(script),
      ...process.argv.slice(2),
    ],
    { stdio: 'inherit', reject: false },
  )
  process.off('SIGINT', wait)
  process.exitCode = exitCode ?? 1
  return true
}

/** Who called sudo, so that a file which root writes for them can be theirs. */
export function sudoCaller(): { uid: number; gid: number } | undefined {
  const { SUDO_UID, SUDO_GID } = process.env
  if (process.getuid?.() !== 0 || !SUDO_UID || !SUDO_GID) return undefined
  return { uid: Number(SUDO_UID), gid: Number(SUDO_GID) }
}
