import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { execa } from 'execa'
import type { CachePaths } from './paths.ts'

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** An image in the blob store. */
export interface BuiltImage {
  readonly manifest: Descriptor
  /** `sha256:…` of the manifest, the configuration and the layers. */
  readonly digests: readonly string[]
  /** Compressed size: what a registry would hold. */
  readonly bytes: number
}

/**
 * Puts an image into the blob store, from a folder as `buildah push --disable-compression … dir:FOLDER` writes it:
 * `manifest.json`, and every blob under its digest. Layers are compressed here, each once: most images of a rebuild
 * share all but their last layer with what is there already, and compressing is what takes the time.
 */
export async function storeImage(folder: string, paths: CachePaths): Promise<BuiltImage> {
  const pushed = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest
  await mkdir(join(paths.blobs, 'blobs/sha256'), { recursive: true })
  const config = await readFile(join(folder, hexOf(pushed.config.digest)))
  await writeBlob(config, paths)
  const layers: Descriptor[] = []
  for (const { digest } of pushed.layers) layers.push(await storeLayer(folder, digest, paths))
  const text = Buffer.from(JSON.stringify({ ...pushed, layers }))
  const manifest = {
    mediaType: pushed.mediaType,
    digest: await writeBlob(text, paths),
    size: text.byteLength,
  }
  const parts = [manifest, pushed.config, ...layers]
  return {
    manifest,
    digests: [...new Set(parts.map(({ digest }) => digest))],
    bytes: parts.reduce((sum, { size }) => sum + size, 0),
  }
}

interface Manifest {
  readonly mediaType: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** zstd: a third of gzip's time to write and to read, at a smaller size. */
async function storeLayer(folder: string, digest: string, paths: CachePaths): Promise<Descriptor> {
  const record = join(paths.blobs, 'compressed', `${hexOf(digest)}.json`)
  const known = await readFile(record, 'utf8').catch(() => undefined)
  if (known !== undefined) {
    const layer = JSON.parse(known) as Descriptor
    if (existsSync(blobFile(paths.blobs, layer.digest))) return layer
  }
  const source = join(folder, hexOf(digest))
  const partial = `${source}.zst`
  const hash = createHash('sha256')
  let size = 0
  await pipeline(
    createReadStream(source),
    createZstdCompress(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        size += chunk.byteLength
        yield chunk
      }
    },
    createWriteStream(partial),
  )
  const layer: Descriptor = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
    digest: `sha256:${hash.digest('hex')}`,
    size,
  }
  await rename(partial, blobFile(paths.blobs, layer.digest))
  await mkdir(dirname(record), { recursive: true })
  await writeFile(`${record}.partial`, JSON.stringify(layer))
  await rename(`${record}.partial`, record)
  return layer
}

async function writeBlob(content: Buffer, paths: CachePaths): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
  const place = blobFile(paths.blobs, digest)
  await writeFile(`${place}.partial`, content)
  await rename(`${place}.partial`, place)
  return digest
}

function hexOf(digest: string): string {
  return digest.replace('sha256:', '')
}

/** Writes an OCI archive whose one image is called `ref`, whatever it was called when it was built. */
export async function writeArchive(
  image: BuiltImage,
  ref: string,
  archive: string,
  paths: CachePaths,
): Promise<void> {
  const folder = `${archive}.partial`
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
  await mkdir(dirname(archive), { recursive: true })
  for (const digest of image.digests)
    await link(blobFile(paths.blobs, digest), blobFile(folder, digest))
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        {
          ...image.manifest,
          annotations: {
            'io.containerd.image.name': ref,
            'org.opencontainers.image.ref.name': ref,
          },
        },
      ],
    }),
  )
  const tar = `${archive}.partial.tar`
  await execa('tar', [
    '--create',
    `--file=${tar}`,
    `--directory=${folder}`,
    'oci-layout',
    'index.json',
    'blobs',
  ])
  await rename(tar, archive)
  await rm(folder, { recursive: true, force: true })
}

/** True when every blob of the image is there in full. */
export async function isComplete(image: BuiltImage, paths: CachePaths): Promise<boolean> {
  const present = await Promise.all(
    image.digests.map((digest) =>
      stat(blobFile(paths.blobs, digest)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return present.every(Boolean)
}

function blobFile(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'))
}
