import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout that images are built from. */
export const repositoryRoot = resolve(fileURLToPath(new URL('../..', import.meta.url)))

/** Where built images are kept, outside of any checkout: `$XDG_CACHE_HOME/parley/images`. */
export interface CachePaths {
  readonly root: string
  readonly lock: string
  /** buildah's storage. */
  readonly storage: string
  /** Layers, configurations and manifests of built images, by digest. */
  readonly blobs: string
  /** One record an image and content hash: its presence means built. */
  readonly built: string
  /** OCI archives, one folder a tag. */
  readonly archives: string
  /** Bundles of Node programs. */
  readonly bundles: string
  /** Built webapps by hash of their sources. */
  readonly webapp: string
  /** Whatever is under way; nothing here outlives a build. */
  readonly temporary: string
}

export function cachePaths(
  env: Readonly<Record<string, string | undefined>> = process.env,
): CachePaths {
  const root = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley', 'images')
  return {
    root,
    lock: join(root, 'lock'),
    storage: join(root, 'storage'),
    blobs: join(root, 'blobs'),
    built: join(root, 'built'),
    archives: join(root, 'archives'),
    bundles: join(root, 'bundles'),
    webapp: join(root, 'webapp'),
    temporary: join(root, 'tmp'),
  }
}
