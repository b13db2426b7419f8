import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { parseKeyList } from './key-list.ts'
import { until } from './testing/signaling-rig.ts'
import { type WatchedFile, watchFile } from './watched-file.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(30_000)

let dir: string
let watched: WatchedFile<unknown> | undefined
let problems: string[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'parley-watch-'))
  problems = []
})
afterEach(() => {
  watched?.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Slow polling, so that what is seen is seen through events. */
function follow(name: string, pollMs = 3600_000) {
  const file = watchFile(
    join(dir, name),
    (text) => JSON.parse(text) as unknown,
    ({ message }) => problems.push(message),
    pollMs,
  )
  watched = file
  return file
}

describe('watchFile', () => {
  it('follows a file that is written over', async () => {
    writeFileSync(join(dir, 'a.json'), '1')
    const file = follow('a.json')
    expect(file.current()).toBe(1)
    writeFileSync(join(dir, 'a.json'), '2')
    await until('the new content', () => file.current() === 2)
  })

  it('follows the symlink swap of a Kubernetes mount', async () => {
    const version = (name: string, content: string) => {
      mkdirSync(join(dir, name))
      writeFileSync(join(dir, name, 'a.json'), content)
    }
    version('..v1', '1')
    symlinkSync('..v1', join(dir, '..data'))
    symlinkSync('..data/a.json', join(dir, 'a.json'))
    const file = follow('a.json')
    expect(file.current()).toBe(1)
    for (const next of [2, 3, 4]) {
      version(`..v${next}`, `${next}`)
      symlinkSync(`..v${next}`, join(dir, '..data_tmp'))
      renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
      rmSync(join(dir, `..v${next - 1}`), { recursive: true })
      await until('the new content', () => file.current() === next)
    }
  })

  it('finds a file, and a folder, that come later', async () => {
    const file = follow('later/a.json', 20)
    expect(file.current()).toBeUndefined()
    mkdirSync(join(dir, 'later'))
    writeFileSync(join(dir, 'later', 'a.json'), '1')
    await until('the content', () => file.current() === 1)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('ENOENT')
  })

  it('keeps the last good value while the file is broken or gone, and says so once', async () => {
    writeFileSync(join(dir, 'a.json'), '1')
    const file = follow('a.json', 10)
    writeFileSync(join(dir, 'a.json'), '{broken')
    await until('the problem', () => problems.length > 0)
    rmSync(join(dir, 'a.json'))
    await until('the other problem', () => problems.length > 1)
    expect(file.current()).toBe(1)
    expect(problems[0]).toContain(join(dir, 'a.json'))
    writeFileSync(join(dir, 'a.json'), '3')
    await until('the mended content', () => file.current() === 3)
    expect(problems).toHaveLength(2)
  })
})

describe('parseKeyList', () => {
  it('REQ-K3: the first line is the one that mints; blank lines and CRLF do not count', () => {
    expect(parseKeyList('\n new \r\n\r\nold\n')).toEqual(['new', 'old'])
    expect(() => parseKeyList(' \n')).toThrow('no secret')
  })
})
