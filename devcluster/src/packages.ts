import { existsSync } from 'node:fs'
import { execa } from 'execa'
import { DevclusterError } from './errors.ts'
import { type OnProgress, step } from './progress.ts'

/** Programs that nodes need and that distributions carry. */
const PROGRAMS = [
  { program: 'iptables', debianPackage: 'iptables' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'runc', debianPackage: 'runc' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  { program: 'unshare', debianPackage: 'util-linux' },
  { program: 'mount', debianPackage: 'mount' },
] as const

const SYSTEM_FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
]

/** The PATH with the folders of system programs, which an ordinary user's (and a bare su's) lacks. */
export function systemPath(): string {
  return [...new Set([...(process.env.PATH ?? '').split(':'), ...SYSTEM_FOLDERS])].join(':')
}

export function findProgram(name: string): string | undefined {
  const files = systemPath()
    .split(':')
    .map((folder) => `${folder}/${name}`)
  return files.find((file) => existsSync(file))
}

/**
 * Makes sure that Debian packages are there: installs what is missing when this process is root (or sudo asks no
 * password).
 *
 * @throws DevclusterError PACKAGES_MISSING with the one command to run
 */
export async function ensurePackages(
  missing: readonly string[],
  onProgress?: OnProgress,
): Promise<void> {
  const packages = [...new Set(missing)].sort()
  if (packages.length === 0) return
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages]
  await step(onProgress, `install ${packages.join(', ')}`, 15, async () => {
    const prefix = process.getuid?.() === 0 ? [] : ['sudo', '--non-interactive']
    const run = (command: readonly string[]) => {
      const [file = '', ...args] = [...prefix, ...command]
      return execa(file, args, { reject: false, env: { DEBIAN_FRONTEND: 'noninteractive' } })
    }
    // The package lists may be old or missing: fetch them only when it takes that.
    let result = await run(install)
    if (result.exitCode !== 0 && findProgram('apt-get')) {
      await run(['apt-get', 'update'])
      result = await run(install)
    }
    if (result.exitCode === 0) return
    throw new DevclusterError(
      'PACKAGES_MISSING',
      `packages are missing and could not be installed from here. Run this and try again: sudo apt-get update && sudo ${install.join(' ')}\n${(result.stderr || result.shortMessage || '').split('\n').slice(-3).join('\n')}`,
    )
  })
}

/** Installs the packages of those programs that this machine lacks. @throws as {@link ensurePackages} */
export async function ensurePrograms(
  programs: readonly { readonly program: string; readonly debianPackage: string }[],
  onProgress?: OnProgress,
): Promise<void> {
  const missing = programs.filter(({ program }) => !findProgram(program))
  await ensurePackages(
    missing.map(({ debianPackage }) => debianPackage),
    onProgress,
  )
}

/** Installs the packages of the programs that nodes need and this machine lacks. */
export function ensureNodePrograms(onProgress?: OnProgress): Promise<void> {
  return ensurePrograms(PROGRAMS, onProgress)
}
