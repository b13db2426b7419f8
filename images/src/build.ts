import { existsSync } from 'node:fs'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { type OnProgress, step, withLock } from '@parley/devcluster'
import { execa } from 'execa'
import { type BuiltImage, isComplete, storeImage, writeArchive } from './archive.ts'
import { type Base, type BaseChoice, bases } from './base.ts'
import { type Buildah, openBuildah } from './buildah.ts'
import { catalogue, type ImageDefinition, type ImageName, imageNames } from './catalogue.ts'
import { ImagesError } from './errors.ts'
import { hashFolders, hashOf } from './hash.ts'
import { type CachePaths, cachePaths, repositoryRoot } from './paths.ts'
import { asRoot, ensureTools } from './tools.ts'

export interface BuildOptions {
  /** Default: all images. */
  readonly only?: readonly ImageName[]
  /** Default: a hash of the content of the images that are built. */
  readonly tag?: string
  /** Images to build on instead of those made here from Debian packages. */
  readonly base?: BaseChoice
  readonly onProgress?: OnProgress
  /** Stops the build; what is finished stays. */
  readonly signal?: AbortSignal
}

export interface Image {
  readonly name: ImageName
  /** `localhost/<name>:<tag>`: the name inside the archive. */
  readonly ref: string
  readonly tag: string
  /** OCI archive, for `ctr -n k8s.io images import`. */
  readonly archive: string
  /** False when an earlier build of the same content served. */
  readonly builtNow: boolean
  /** Compressed size. */
  readonly bytes: number
}

/** Raised when what a build makes of the same inputs changes. */
const RECIPE = '2'
const KEPT_PER_IMAGE = 3

/**
 * Builds what changed of Parley's images and returns all that were asked for as OCI archives with one common tag.
 *
 * The content hash of an image is over its Dockerfile, its context (bundles included) and its base. Builds of one
 * machine wait for each other; an interrupted one goes on where it stopped when it is called again.
 *
 * @throws ImagesError with the fix in its message
 */
export async function buildImages(options: BuildOptions = {}): Promise<readonly Image[]> {
  const paths = cachePaths()
  const { onProgress, signal } = options
  const wanted = definitions(options.only)
  if (options.tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(options.tag)) {
    throw new ImagesError(
      'USAGE',
      `"${options.tag}" cannot be a tag: letters, digits, "_", "." and "-" only`,
    )
  }
  const onWait = () =>
    onProgress?.({ step: 'wait for another build of images', state: 'running', elapsedSeconds: 0 })
  return withLock(
    paths.lock,
    async () => {
      await clearTemporary(paths)
      await mkdir(paths.temporary, { recursive: true })
      const on = await bases(options.base ?? {}, paths, onProgress, signal)
      const staged = await Promise.all(
        wanted.map(async (definition) => {
          const context = await mkdtemp(join(paths.temporary, `${definition.name}-`))
          await definition.stage(context, paths, onProgress)
          const base = on[definition.base]
          const hash = hashOf(RECIPE, base.key, await hashFolders([context])).slice(0, 12)
          return {
            definition,
            context,
            base,
            hash,
            known: await readBuilt(paths, definition.name, hash),
          }
        }),
      )
      signal?.throwIfAborted()

      const missing = staged.filter(({ known }) => !known)
      const built = new Map<ImageName, BuiltImage>()
      if (missing.length > 0) {
        await ensureTools(onProgress)
        const buildah = await openBuildah(paths, signal)
        // Left by a build that was interrupted.
        await buildah.run(['rm', '--all'])
        const labels = await buildLabels()
        for (const base of new Set(missing.map((each) => each.base))) await base.ensure(buildah)
        await twoAtATime(missing, async ({ definition, context, base, hash }) => {
          const image = await step(
            onProgress,
            `build ${definition.name}`,
            definition.usualSeconds,
            (report) => buildOne({ definition, context, base, labels, buildah, paths, report }),
          )
          await writeBuilt(paths, definition.name, hash, image)
          built.set(definition.name, image)
        })
        // Layers of earlier contents; those of the newest stay, for the next build to start from.
        await buildah.run(['rmi', '--prune'])
      }

      const tag = options.tag ?? hashOf(...staged.map(({ hash }) => hash)).slice(0, 12)
      const images: Image[] = []
      for (const { definition, hash, known } of staged) {
        const { name } = definition
        const image = known ?? built.get(name)
        if (!image) throw new Error(`${name} was not built`)
        const ref = `localhost/${name}:${tag}`
        const archive = join(paths.archives, tag, `${name}-${hash}.tar`)
        if (!existsSync(archive)) await writeArchive(image, ref, archive, paths)
        images.push({ name, ref, tag, archive, builtNow: !known, bytes: image.bytes })
      }
      const now = new Date()
      await utimes(join(paths.archives, tag), now, now)
      if (missing.length > 0) await forgetOld(paths, tag)
      await clearTemporary(paths)
      return images
    },
    onWait,
  )
}

/** Writes the build context of an image, for `docker build` or any other builder. */
export async function stageContext(
  name: ImageName,
  folder: string,
  onProgress?: OnProgress,
): Promise<void> {
  const [definition] = definitions([name])
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) {
    throw new ImagesError(
      'USAGE',
      `${folder} is not empty; name a folder that is empty or not there yet`,
    )
  }
  await definition?.stage(folder, cachePaths(), onProgress)
}

function definitions(only: readonly string[] | undefined): readonly ImageDefinition[] {
  const unknown = only?.filter((name) => !imageNames.some((known) => known === name)) ?? []
  if (unknown.length > 0) {
    throw new ImagesError(
      'USAGE',
      `there is no image ${unknown.join(', ')}; there are ${imageNames.join(', ')}`,
    )
  }
  return catalogue.filter(({ name }) => !only || only.includes(name))
}

interface OneBuild {
  readonly definition: ImageDefinition
  readonly context: string
  readonly base: Base
  readonly labels: { readonly version: string; readonly revision: string }
  readonly buildah: Buildah
  readonly paths: CachePaths
  readonly report: (done: number, total: number, unit: string) => void
}

async function buildOne(one: OneBuild): Promise<BuiltImage> {
  const { definition, context, base, labels, buildah, paths, report } = one
  const ref = `localhost/${definition.name}:built`
  await buildah.run(
    [
      'build',
      '--layers',
      `--build-arg=${definition.base === 'node' ? 'NODE_BASE' : 'BASE'}=${base.ref}`,
      `--build-arg=VERSION=${labels.version}`,
      `--build-arg=REVISION=${labels.revision}`,
      `--tag=${ref}`,
      context,
    ],
    (line) => {
      const counts = /^STEP (\d+)\/(\d+)/.exec(line)
      if (counts) report(Number(counts[1]), Number(counts[2]), 'instructions')
    },
  )
  const pushed = `${context}-pushed`
  await buildah.run(['push', '--quiet', '--disable-compression', ref, `dir:${pushed}`])
  const [sudo, ...rest] = asRoot()
  if (sudo) await execa(sudo, [...rest, 'chown', '-R', String(process.getuid?.()), pushed])
  const image = await storeImage(pushed, paths)
  await rm(pushed, { recursive: true, force: true })
  return image
}

async function buildLabels(): Promise<{ version: string; revision: string }> {
  const manifest = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as {
    version: string
  }
  const git = await execa('git', ['rev-parse', 'HEAD'], { cwd: repositoryRoot, reject: false })
  return { version: manifest.version, revision: git.exitCode === 0 ? git.stdout : 'unknown' }
}

/** An interrupted build may have left files of root there. */
async function clearTemporary(paths: CachePaths): Promise<void> {
  const [sudo, ...rest] = asRoot()
  if (sudo && existsSync(paths.temporary)) {
    await execa(sudo, [...rest, 'rm', '-rf', '--one-file-system', paths.temporary], {
      reject: false,
    })
  }
  await rm(paths.temporary, { recursive: true, force: true })
}

/** Debian's package downloads and the work of dpkg overlap well on two cores; more at once gain nothing. */
async function twoAtATime<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  const failed = (await Promise.allSettled([worker(), worker()])).find(
    (result) => result.status === 'rejected',
  )
  if (failed) throw failed.reason
}

function recordFile(paths: CachePaths, name: string, hash: string): string {
  return join(paths.built, name, `${hash}.json`)
}

async function readBuilt(
  paths: CachePaths,
  name: string,
  hash: string,
): Promise<BuiltImage | undefined> {
  const file = recordFile(paths, name, hash)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const image = JSON.parse(text) as BuiltImage
  if (!(await isComplete(image, paths))) return undefined
  const now = new Date()
  await utimes(file, now, now)
  return image
}

async function writeBuilt(
  paths: CachePaths,
  name: string,
  hash: string,
  image: BuiltImage,
): Promise<void> {
  const file = recordFile(paths, name, hash)
  await mkdir(join(paths.built, name), { recursive: true })
  await writeFile(`${file}.partial`, JSON.stringify(image))
  await rename(`${file}.partial`, file)
}

/** Keeps the images used last, with their blobs, and the archives of the tags used last. */
async function forgetOld(paths: CachePaths, tag: string): Promise<void> {
  const needed = new Set<string>()
  for (const name of await readdir(paths.built)) {
    const records = await newestFirst(join(paths.built, name))
    for (const file of records.slice(0, KEPT_PER_IMAGE)) {
      const image = JSON.parse(await readFile(file, 'utf8')) as BuiltImage
      for (const digest of image.digests) needed.add(digest.replace('sha256:', ''))
    }
    for (const file of records.slice(KEPT_PER_IMAGE)) await rm(file, { force: true })
  }
  const blobs = join(paths.blobs, 'blobs/sha256')
  for (const blob of await readdir(blobs)) {
    if (!needed.has(blob)) await rm(join(blobs, blob), { force: true })
  }
  const archives = await newestFirst(paths.archives)
  const old = archives.filter((folder) => folder !== join(paths.archives, tag))
  for (const folder of old.slice(KEPT_PER_IMAGE - 1)) {
    await rm(folder, { recursive: true, force: true })
  }
}

async function newestFirst(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).map((name) => join(folder, name))
  const dated = await Promise.all(
    files.map(async (file) => ({ file, time: (await stat(file)).mtimeMs })),
  )
  return dated.sort((a, b) => b.time - a.time).map(({ file }) => file)
}
