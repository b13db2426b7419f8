/** An earlier version of Parley, made from its own sources: what an upgrade begins with. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from '@parley/devcluster'
import { execa } from 'execa'

export type Version = {
  /** Folder of its sources, with what they need installed. */
  root: string
  /** As its own builder made them. */
  images: readonly { name: string; tag: string; archive: string }[]
  hasSfu: boolean
}

export class VersionUnavailable extends Error {
  readonly code = 'VERSION_UNAVAILABLE'
}

const repository = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * The sources of a commit, installed and with images built, in `$XDG_CACHE_HOME/parley/versions/<commit>`. Takes
 * minutes once; what was interrupted begins anew.
 *
 * @param from where to look for the commit
 * @throws VersionUnavailable where git does not know the commit, with what to do
 */
export async function earlierVersion(
  commit: string,
  { hasSfu, from = repository }: { hasSfu: boolean; from?: string },
): Promise<Version> {
  const id = await idOf(commit, from)
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley', 'versions')
  const root = join(cache, id)
  return withLock(`${root}.lock`, async () => {
    if (!existsSync(root)) {
      const partial = `${root}.partial`
      await rm(partial, { recursive: true, force: true })
      await unpack(id, from, partial)
      await installDependencies(partial)
      await rename(partial, root)
    }
    // Its own builder knows what is built already.
    const node = { cwd: root, preferLocal: true, localDir: root }
    const { stdout } = await execa('node', ['images/src/cli.ts', 'build', '-o', 'json'], node)
    return { root, images: JSON.parse(stdout) as Version['images'], hasSfu }
  })
}

/** The full name of a commit. */
async function idOf(commit: string, from: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`]
  const { exitCode, stdout } = await execa('git', args, { cwd: from, reject: false })
  if (exitCode === 0) return stdout
  throw new VersionUnavailable(
    `the history of this checkout does not reach back to ${commit}, which the upgrade begins with: get it by "git fetch --unshallow", or run the tests in a clone`,
  )
}

async function unpack(id: string, from: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const archive = execa('git', ['archive', '--format=tar', id], { cwd: from, buffer: false })
  await Promise.all([archive, archive.pipe('tar', ['-x', '-C', folder], { buffer: false })])
}

/** What its own lockfile says: of other packages than this version's, and linked to its own folders. */
async function installDependencies(folder: string): Promise<void> {
  const options = { cwd: folder, preferLocal: true, localDir: repository }
  await execa('npm', ['ci', '--no-audit', '--no-fund'], options)
}
