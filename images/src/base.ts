import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type OnProgress, step } from '@parley/devcluster'
import { execa } from 'execa'
import type { Buildah } from './buildah.ts'
import { ImagesError } from './errors.ts'
import { hashOf } from './hash.ts'
import { type CachePaths, repositoryRoot } from './paths.ts'
import { asRoot, lastLines, untilKilled } from './tools.ts'

/** What an image stands on: an image of a registry, or one made here from Debian packages. */
export interface Base {
  /** Changes when the base does; part of every content hash. */
  readonly key: string
  readonly ref: string
  /** Makes the base when it is not there. */
  ensure(buildah: Buildah): Promise<void>
}

export interface BaseChoice {
  /** Instead of the home-made Debian base, for example `debian:bookworm-slim`. */
  readonly debian?: string
  /** Instead of the home-made Node base, for example `node:24-bookworm-slim`. */
  readonly node?: string
}

const SUITE = 'bookworm'

/** Debian's own slim image leaves the same things out. */
const MMDEBSTRAP = [
  '--variant=minbase',
  '--include=ca-certificates',
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/info/*',
  '--dpkgopt=path-exclude=/usr/share/lintian/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
  '--aptopt=Apt::Install-Recommends "false"',
]

/** The two bases, Debian and Node on it. */
export async function bases(
  choice: BaseChoice,
  paths: CachePaths,
  onProgress?: OnProgress,
  signal?: AbortSignal,
): Promise<{ debian: Base; node: Base }> {
  const debian = choice.debian ? pulled(choice.debian) : debianBase(paths, onProgress, signal)
  const node = choice.node ? pulled(choice.node) : await nodeBase(debian, paths, onProgress)
  return { debian, node }
}

function pulled(ref: string): Base {
  return { key: ref, ref, ensure: async () => {} }
}

function debianBase(paths: CachePaths, onProgress?: OnProgress, signal?: AbortSignal): Base {
  const key = hashOf('1', SUITE, ...MMDEBSTRAP).slice(0, 12)
  const ref = `localhost/parley-base-debian:${key}`
  return {
    key,
    ref,
    ensure: async (buildah) => {
      if (await buildah.hasImage(ref)) return
      const tar = join(paths.temporary, `debian-${key}.tar`)
      const partial = `${tar}.partial.tar`
      await step(onProgress, `build Debian ${SUITE} base`, 30, async (report) => {
        const [file = '', ...args] = [
          ...asRoot(),
          ...untilKilled,
          ...['env', `TMPDIR=${paths.temporary}`, 'mmdebstrap', ...MMDEBSTRAP, SUITE, partial],
        ]
        const child = execa(file, args, {
          reject: false,
          all: true,
          stdin: 'ignore',
          forceKillAfterDelay: 1000,
          ...(signal ? { cancelSignal: signal } : {}),
        })
        let phase = 0
        for await (const line of child.iterable({ from: 'all' })) {
          if (/^I: (running|downloading|extracting|installing|cleaning|creating)/.test(line)) {
            report(++phase, 7, 'phases')
          }
        }
        const result = await child
        signal?.throwIfAborted()
        if (result.exitCode !== 0) {
          throw new ImagesError(
            'BUILD_FAILED',
            `mmdebstrap could not make the Debian base; is a Debian mirror reachable? With a registry at hand, --base debian:${SUITE}-slim does without it.\n${lastLines(result.all ?? '')}`,
          )
        }
        await rename(partial, tar)
        await commitRoot(buildah, tar, ref)
        await rm(tar, { force: true })
      })
    },
  }
}

async function commitRoot(buildah: Buildah, tar: string, ref: string): Promise<void> {
  const container = await buildah.run(['from', 'scratch'])
  try {
    await buildah.run(['add', '--quiet', container, tar, '/'])
    await buildah.run(['config', '--cmd=/bin/sh', '--env=LANG=C.UTF-8', container])
    await buildah.run(['commit', '--quiet', container, ref])
  } finally {
    await buildah.run(['rm', container])
  }
}

async function nodeBase(debian: Base, paths: CachePaths, onProgress?: OnProgress): Promise<Base> {
  const require = createRequire(join(repositoryRoot, 'package.json'))
  const manifestFile = require.resolve('node/package.json')
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as { version: string }
  const dockerfile = join(repositoryRoot, 'images/base/Dockerfile')
  const recipe = await readFile(dockerfile, 'utf8')
  const key = hashOf('1', debian.key, manifest.version, process.arch, recipe).slice(0, 12)
  const ref = `localhost/parley-base-node:${key}`
  return {
    key,
    ref,
    ensure: async (buildah) => {
      await debian.ensure(buildah)
      if (await buildah.hasImage(ref)) return
      await step(onProgress, `build Node ${manifest.version} base`, 5, async () => {
        const context = join(paths.temporary, `node-${key}`)
        await mkdir(context, { recursive: true })
        await copyFile(join(dirname(manifestFile), 'bin/node'), join(context, 'node'))
        await buildah.run([
          'build',
          `--build-arg=BASE=${debian.ref}`,
          `--file=${dockerfile}`,
          `--tag=${ref}`,
          context,
        ])
        await rm(context, { recursive: true, force: true })
      })
    },
  }
}
