import { existsSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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

/** Moves the only image of an OCI layout into the blob store; layers that are there already stay as they are. */
export async function storeLayout(layout: string, paths: CachePaths): Promise<BuiltImage> {
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
    manifests: readonly Descriptor[]
  }
  const [entry] = index.manifests
  if (!entry) throw new Error(`no image in ${layout}`)
  const manifest = { mediaType: entry.mediaType, digest: entry.digest, size: entry.size }
  const content = JSON.parse(await readFile(blobFile(layout, manifest.digest), 'utf8')) as {
    config: Descriptor
    layers: readonly Descriptor[]
  }
  const parts = [manifest, content.config, ...content.layers]
  await mkdir(join(paths.blobs, 'blobs/sha256'), { recursive: true })
  for (const { digest } of parts) {
    const place = blobFile(paths.blobs, digest)
    if (!existsSync(place)) await rename(blobFile(layout, digest), place)
  }
  return {
    manifest,
    digests: [...new Set(parts.map(({ digest }) => digest))],
    bytes: parts.reduce((sum, { size }) => sum + size, 0),
  }
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
