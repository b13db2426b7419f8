import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { measureAccuracy } from './accuracy.ts'

/** What a page in a call reports, whether it is true, and how much of it there is. */
export const clientBench: Bench = {
  name: 'client',
  summary: 'what pages report of a call against what a line of known delay and loss did to it',
  minutes: 4,
  parts: ['accuracy'],
  async run(options) {
    const folder = await mkdtemp(join(tmpdir(), 'parley-client-bench-'))
    try {
      return await measureAccuracy(folder, options)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
