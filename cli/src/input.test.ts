import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readLines, readTextFile } from './input.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-input-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fileOf(bytes: string | Buffer): Promise<string> {
  const file = join(folder, 'input')
  await writeFile(file, bytes)
  return file
}

async function linesOf(bytes: string | Buffer): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(await fileOf(bytes))) lines.push(line)
  return lines
}

describe('reading input', () => {
  it('counts lines as an editor does, whatever their ends', async () => {
    expect(await linesOf('one\r\ntwo\n\nfo\u2028ur')).toEqual(['one', 'two', '', 'fo\u2028ur'])
  })

  it('passes over a byte order mark', async () => {
    expect(await linesOf('\uFEFFone\n\uFEFFtwo\n')).toEqual(['one', '\uFEFFtwo'])
    expect(await readTextFile(await fileOf('\uFEFFone'))).toBe('one')
  })

  it('keeps letters whole that lie across two reads', async () => {
    const long = 'é'.repeat(200_000)
    expect(await linesOf(`a${long}\nb`)).toEqual([`a${long}`, 'b'])
  })

  it('cuts a line without end instead of filling the memory', async () => {
    const [cut, next] = await linesOf(
      Buffer.concat([Buffer.alloc(5_000_000, 'x'), Buffer.from('\nok')]),
    )
    expect(cut).toHaveLength(1024 * 1024)
    expect(next).toBe('ok')
  })

  it('names a file that is a folder or no text', async () => {
    await expect(readTextFile(folder)).rejects.toThrow(`${folder} is a folder; a file is needed`)
    await expect(readLines(folder).next()).rejects.toThrow(`${folder} is a folder`)
    const file = await fileOf(Buffer.from([0x80, 0xff]))
    await expect(readTextFile(file)).rejects.toThrow(`${file} is not UTF-8 text`)
  })
})
