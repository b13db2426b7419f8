import { existsSync } from 'node:fs'
import { ensurePackages, type OnProgress } from '@parley/devcluster'
import { execa } from 'execa'
import { ImagesError } from './errors.ts'

const NEEDED = [
  { file: '/usr/bin/buildah', debianPackage: 'buildah' },
  { file: '/usr/bin/mmdebstrap', debianPackage: 'mmdebstrap' },
  {
    file: '/usr/share/keyrings/debian-archive-keyring.gpg',
    debianPackage: 'debian-archive-keyring',
  },
] as const

/** What goes before a command so that root runs it: nothing, or sudo. */
export function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? [] : ['sudo', '--non-interactive']
}

/**
 * Goes before a command so that killing it ends all that it started, and unmounts what it mounted: it runs in process
 * and mount namespaces of its own.
 */
export const untilKilled: readonly string[] = [
  ...['unshare', '--mount', '--propagation=private', '--pid', '--fork', '--kill-child=KILL'],
  ...['--mount-proc', '--'],
]

/**
 * Installs what building needs and this machine lacks.
 *
 * @throws ImagesError NO_ROOT, DevclusterError PACKAGES_MISSING; each with the one command to run
 */
export async function ensureTools(onProgress?: OnProgress): Promise<void> {
  const packages = NEEDED.filter(({ file }) => !existsSync(file)).map((each) => each.debianPackage)
  if (asRoot().length > 0) {
    const sudo = await execa('sudo', ['--non-interactive', 'true'], { reject: false })
    if (sudo.exitCode !== 0) {
      throw new ImagesError(
        'NO_ROOT',
        `building images needs root or sudo without a password; run this again with sudo${packages.length > 0 ? `, after: sudo apt-get install ${packages.join(' ')}` : ''}`,
      )
    }
  }
  await ensurePackages(packages, onProgress)
}

export function lastLines(text: string, count = 6): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
