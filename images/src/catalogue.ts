import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBinaries, type OnProgress, step } from '@parley/devcluster'
import { execa } from 'execa'
import { cachedBundle } from './bundle.ts'
import { ImagesError } from './errors.ts'
import { hashFolders, hashOf } from './hash.ts'
import { type CachePaths, repositoryRoot } from './paths.ts'
import { lastLines } from './tools.ts'

export const imageNames = [
  'parley-node',
  'parley-signaling',
  'parley-webapp',
  'parley-coturn',
  'parley-redis',
  'parley-livekit',
] as const

export type ImageName = (typeof imageNames)[number]

export interface ImageDefinition {
  readonly name: ImageName
  readonly base: 'debian' | 'node'
  /** How long a build takes on two cores when the base is there. */
  readonly usualSeconds: number
  /** Writes the build context, Dockerfile included, to an empty folder. */
  stage(folder: string, paths: CachePaths, onProgress?: OnProgress): Promise<void>
}

export const catalogue: readonly ImageDefinition[] = [
  {
    name: 'parley-node',
    base: 'node',
    usualSeconds: 6,
    stage: async (folder, paths) => {
      const app = await cachedBundle({ entry: 'cli/src/main.ts', name: 'parley' }, paths.bundles)
      await copySources('node', folder)
      await cp(app, join(folder, 'app'), { recursive: true })
      await addShebang(join(folder, 'app/parley.mjs'))
    },
  },
  {
    name: 'parley-signaling',
    base: 'node',
    usualSeconds: 6,
    stage: async (folder, paths) => {
      const app = await cachedBundle(
        { entry: 'signaling/src/main.ts', name: 'main' },
        paths.bundles,
      )
      await copySources('signaling', folder)
      await cp(app, join(folder, 'app'), { recursive: true })
    },
  },
  {
    name: 'parley-webapp',
    base: 'debian',
    usualSeconds: 8,
    stage: async (folder, paths, onProgress) => {
      await copySources('webapp', folder)
      await cp(await builtWebapp(paths, onProgress), join(folder, 'dist'), { recursive: true })
    },
  },
  {
    name: 'parley-coturn',
    base: 'debian',
    usualSeconds: 10,
    stage: (folder) => copySources('coturn', folder),
  },
  {
    name: 'parley-redis',
    base: 'debian',
    usualSeconds: 8,
    stage: (folder) => copySources('redis', folder),
  },
  {
    name: 'parley-livekit',
    base: 'debian',
    usualSeconds: 8,
    stage: async (folder, _paths, onProgress) => {
      const options = onProgress ? { onProgress } : {}
      const { livekit } = await ensureBinaries(['livekit'], options)
      await copySources('livekit', folder)
      await cp(join(livekit, 'server'), join(folder, 'livekit-server'))
    },
  },
]

/** What several images have in common stands in their folders as a link. */
function copySources(name: string, folder: string): Promise<void> {
  return cp(join(repositoryRoot, 'images', name), folder, { recursive: true, dereference: true })
}

/**
 * How Node runs `parley` in its image. By default it lets its heap for what is new grow with the machine's memory, on
 * a large one to 128 MiB, of which the operator and the meter need a few. Threads that collect beside the one that
 * works only get into its way, and into the API server's: one is enough. Small heaps are collected as a whole when there
 * are 40 MiB to be looked at, not with each 30 % more: the code alone, which stays, is half of that.
 */
export const PARLEY_NODE_FLAGS = [
  '--initial-old-space-size=40',
  '--max-semi-space-size=4',
  '--heap-growing-percent=30',
  '--v8-pool-size=1',
]

/**
 * What C libraries take from their environment. Else malloc takes ever larger pieces from where it can give none back,
 * and keeps what the start has taken for what comes in over the wire.
 */
export const PARLEY_NODE_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

async function addShebang(file: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const environment = Object.entries(PARLEY_NODE_ENVIRONMENT).map(
    ([key, value]) => `${key}=${value}`,
  )
  const line = `#!/usr/bin/env -S ${[...environment, 'node', ...PARLEY_NODE_FLAGS].join(' ')}\n`
  if (!text.startsWith('#!')) await writeFile(file, line + text)
}

/** The folder of the built webapp; built when its sources changed. */
async function builtWebapp(paths: CachePaths, onProgress?: OnProgress): Promise<string> {
  const sources = join(repositoryRoot, 'webapp')
  if (!existsSync(join(sources, 'index.html'))) {
    throw new ImagesError(
      'SOURCE_MISSING',
      'webapp/index.html is not there; is the checkout complete?',
    )
  }
  const lockfile = await readFile(join(repositoryRoot, 'package-lock.json'))
  const content = await hashFolders(
    [sources, join(repositoryRoot, 'protocol')],
    ['node_modules', 'dist'],
  )
  const dist = join(paths.webapp, hashOf(content, lockfile).slice(0, 12))
  if (existsSync(dist)) return dist
  await step(onProgress, 'bundle webapp', 5, async () => {
    const partial = `${dist}.partial`
    await rm(partial, { recursive: true, force: true })
    await mkdir(paths.webapp, { recursive: true })
    const vite = join(repositoryRoot, 'node_modules/vite/bin/vite.js')
    const result = await execa(
      process.execPath,
      [vite, 'build', '--outDir', partial, '--emptyOutDir', '--logLevel', 'warn'],
      { cwd: sources, reject: false, all: true, stdin: 'ignore' },
    )
    if (result.exitCode !== 0) {
      throw new ImagesError(
        'BUNDLE_FAILED',
        `the webapp cannot be bundled:\n${lastLines(result.all ?? '', 12)}`,
      )
    }
    await rename(partial, dist)
    await forgetOlder(paths.webapp, dist)
  })
  return dist
}

async function forgetOlder(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (join(folder, name) !== keep) await rm(join(folder, name), { recursive: true, force: true })
  }
}
