import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { extract } from 'tar-stream'
import { ensureImageArchive } from './oci.ts'

describe('ensureImageArchive', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-oci-'))
    await writeFile(join(folder, 'program'), 'not really a program')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const make = async (archive: string) => {
    await ensureImageArchive(
      { name: 'localhost/x:1', program: join(folder, 'program'), entrypoint: '/program' },
      join(folder, archive),
    )
    return readTar(join(folder, archive))
  }

  it('REQ-K1: writes a layout in which each blob is what its name says', async () => {
    const files = await make('image.tar')
    const blobs = [...files].filter(([name]) => name.startsWith('blobs/sha256/'))
    expect(blobs).toHaveLength(3)
    for (const [name, data] of blobs) {
      const digest = createHash('sha256').update(data).digest('hex')
      expect(name).toBe(`blobs/sha256/${digest}`)
    }
  })

  it('REQ-K1: leads from the index to the program, by name', async () => {
    const files = await make('image.tar')
    const json = (name: string) => JSON.parse(String(files.get(name)))
    const [entry] = json('index.json').manifests
    expect(entry.annotations['io.containerd.image.name']).toBe('localhost/x:1')
    const manifest = json(blob(entry.digest))
    const config = json(blob(manifest.config.digest))
    expect(config.config.Entrypoint).toEqual(['/program'])
    expect(config.rootfs.diff_ids).toEqual([manifest.layers[0].digest])
    expect(String(files.get(blob(manifest.layers[0].digest)))).toContain('not really a program')
  })

  it('REQ-K1: gives the same bytes for the same program', async () => {
    const [one, other] = [await make('one.tar'), await make('other.tar')]
    expect(String(one.get('index.json'))).toBe(String(other.get('index.json')))
  })
})

const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`

async function readTar(file: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const tar = extract()
  tar.on('entry', (header, stream, next) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: unknown) => chunks.push(chunk as Buffer))
    stream.on('end', () => {
      files.set(header.name, Buffer.concat(chunks))
      next()
    })
  })
  await pipeline(createReadStream(file), tar)
  return files
}
