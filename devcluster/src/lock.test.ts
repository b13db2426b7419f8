import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { withLock } from './lock.ts'

describe('withLock', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-lock-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('REQ-K1: lets one in at a time', async () => {
    let inside = 0
    let most = 0
    const visit = () =>
      withLock(join(folder, 'lock'), async () => {
        most = Math.max(most, ++inside)
        await new Promise((done) => setImmediate(done))
        inside--
      })
    await Promise.all([visit(), visit(), visit()])
    expect(most).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('REQ-K1: takes over from a holder that died, and cleans up after it', async () => {
    // No process has this start time, whatever its pid.
    const dead = JSON.stringify({ pid: 1, startTime: 'never' })
    await writeFile(join(folder, 'lock'), dead)
    await writeFile(join(folder, 'lock.1.abc'), dead)
    await expect(withLock(join(folder, 'lock'), async () => 'done')).resolves.toBe('done')
    expect(await readdir(folder)).toEqual([])
  })

  it('REQ-K1: takes a file that names no holder for no lock', async () => {
    for (const text of ['', '{', 'null', '{"pid":1}']) {
      await writeFile(join(folder, 'lock'), text)
      await expect(withLock(join(folder, 'lock'), async () => 'done')).resolves.toBe('done')
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('REQ-K1: is free again after work that failed', async () => {
    const failing = withLock(join(folder, 'lock'), async () => {
      throw new Error('no luck')
    })
    await expect(failing).rejects.toThrow('no luck')
    await expect(withLock(join(folder, 'lock'), async () => 'done')).resolves.toBe('done')
  })
})
