import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, jest } from '@jest/globals'
import { openStore } from '../store/open.ts'
import { trafficSuite } from './testing/suite.ts'

jest.setTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'parley-traffic-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('in SQLite', () => {
  let places = 0
  trafficSuite(() => {
    places += 1
    const url = `sqlite:${join(folder, `${places}.db`)}`
    return () => openStore(url)
  })
})
