import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'

/** An image of one static program and nothing else. */
export interface ProgramImage {
  /** Full name, for example `localhost/parley-devcluster/coredns:v1`. */
  readonly name: string
  /** File on this machine; it becomes `/NAME` in the image and its entrypoint. */
  readonly program: string
  readonly entrypoint: string
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/**
 * Writes an OCI image layout (https://github.com/opencontainers/image-spec, image-layout.md) as a tar file, with one
 * uncompressed layer: it stays on this machine, so packing would only cost time. Does nothing when the file is there.
 */
export async function ensureImageArchive(image: ProgramImage, archive: string): Promise<void> {
  if (existsSync(archive)) return
  const work = await mkdtemp(join(dirname(archive), '.image-'))
  try {
    const layer = join(work, 'layer.tar')
    await writeLayer(image, layer)
    const layerBlob = await describeFile(layer)
    const config = json({
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: 'linux',
      config: { Entrypoint: [image.entrypoint], User: '65532:65532', WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [layerBlob.digest] },
    })
    const manifest = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...describe(config) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layerBlob }],
    })
    const index = json({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          ...describe(manifest),
          annotations: { 'io.containerd.image.name': image.name },
        },
      ],
    })
    const output = pack()
    const written = pipeline(output, createWriteStream(join(work, 'image.tar')))
    for (const [name, data] of [
      ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
      ['index.json', index],
      [blobPath(describe(config).digest), config],
      [blobPath(describe(manifest).digest), manifest],
    ] as const) {
      output.entry({ name, mode: 0o644 }, data)
    }
    const entry = output.entry({ name: blobPath(layerBlob.digest), size: layerBlob.size })
    await pipeline(createReadStream(layer), entry)
    output.finalize()
    await written
    await rename(join(work, 'image.tar'), archive)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function writeLayer(image: ProgramImage, file: string): Promise<void> {
  const { size } = await stat(image.program)
  const output = pack()
  const written = pipeline(output, createWriteStream(file))
  // The same program gives the same layer: the time stamp is a constant.
  const mtime = new Date(0)
  output.entry({ name: 'tmp', type: 'directory', mode: 0o1777, mtime })
  const entry = output.entry({ name: image.entrypoint.slice(1), mode: 0o755, size, mtime })
  await pipeline(createReadStream(image.program), entry)
  output.finalize()
  await written
}

async function describeFile(file: string): Promise<{ digest: string; size: number }> {
  return describe(await readFile(file))
}

function describe(data: Buffer): { digest: string; size: number } {
  return {
    digest: `sha256:${createHash('sha256').update(data).digest('hex')}`,
    size: data.length,
  }
}

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
