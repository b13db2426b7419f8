import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { measureAccuracy } from './accuracy.ts'
import { measureRoom } from './room.ts'

/** What a page in a call reports, whether it is true, and how much of it there is. */
export const clientBench: Bench = {
  name: 'client',
  summary: 'what pages report of a call against what a line of known delay and loss did to it',
  minutes: 9,
  parts: ['accuracy', 'room'],
  async run(options) {
    const folder = await mkdtemp(join(tmpdir(), 'parley-client-bench-'))
    try {
      const { parts = clientBench.parts ?? [] } = options
      return [
        ...(parts.includes('accuracy') ? await measureAccuracy(folder, options) : []),
        ...(parts.includes('room') ? await measureRoom(folder, options) : []),
      ]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
