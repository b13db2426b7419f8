import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { ImagesError } from './errors.ts'
import type { CachePaths } from './paths.ts'
import { asRoot, lastLines, untilKilled } from './tools.ts'

/** buildah over a storage of its own in the cache. */
export interface Buildah {
  /** The command line of a buildah command, for root, in whose mount namespace it leaves its mounts. */
  command(args: readonly string[]): readonly string[]
  /** Runs one buildah command and returns its standard output. `onLine` hears every line of its output. */
  run(args: readonly string[], onLine?: (line: string) => void): Promise<string>
  hasImage(ref: string): Promise<boolean>
}

/**
 * Storage driver: overlay, or vfs (slower, larger) where the kernel refuses an overlay, as inside many containers.
 * Steps run under chroot: no container engine and no user namespace is needed.
 */
export async function openBuildah(paths: CachePaths, signal?: AbortSignal): Promise<Buildah> {
  await mkdir(paths.temporary, { recursive: true })
  const withDriver = (driver: string): Buildah => {
    const command: Buildah['command'] = (args) => [
      'env',
      'BUILDAH_ISOLATION=chroot',
      `TMPDIR=${paths.temporary}`,
      'buildah',
      `--root=${join(paths.storage, driver)}`,
      `--runroot=${join(paths.storage, `${driver}-run`)}`,
      `--storage-driver=${driver}`,
      ...args,
    ]
    const run: Buildah['run'] = async (args, onLine) => {
      const [file = '', ...rest] = [...asRoot(), ...untilKilled, ...command(args)]
      const child = execa(file, rest, {
        reject: false,
        all: true,
        stdin: 'ignore',
        forceKillAfterDelay: 1000,
        ...(signal ? { cancelSignal: signal } : {}),
      })
      if (onLine) for await (const line of child.iterable({ from: 'all' })) onLine(String(line))
      const result = await child
      if (result.exitCode === 0) return result.stdout ?? ''
      signal?.throwIfAborted()
      const output = result.all ?? result.shortMessage ?? ''
      if (/no space left on device/i.test(output)) {
        throw new ImagesError(
          'DISK_FULL',
          `the disk of ${paths.root} is full; free some space, then run the same command again: what is built stays built`,
        )
      }
      throw new ImagesError('BUILD_FAILED', `buildah ${args[0]} failed:\n${lastLines(output, 12)}`)
    }
    return {
      command,
      run,
      hasImage: (ref) =>
        run(['inspect', '--type=image', '--format={{.FromImageID}}', ref]).then(
          () => true,
          () => false,
        ),
    }
  }
  const overlay = withDriver('overlay')
  try {
    const container = await overlay.run(['from', 'scratch'])
    try {
      await overlay.run(['run', container, 'true']).catch((error: ImagesError) => {
        // An empty root has no `true`; only a root that could not be mounted means no overlay.
        if (/overlay|mount/i.test(error.message)) throw error
      })
    } finally {
      await overlay.run(['rm', container])
    }
    return overlay
  } catch (error) {
    if (error instanceof ImagesError && error.code === 'DISK_FULL') throw error
    return withDriver('vfs')
  }
}
