import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { measureAccuracy } from './accuracy.ts'
import { measureDrawn } from './drawn.ts'
import { measureRoom } from './room.ts'
import { measureTimings } from './timings.ts'

/** What a page in a call reports, whether it is true, how much of it there is, and what the page pays for it. */
export const clientBench: Bench = {
  name: 'client',
  summary: 'what pages report of a call against what a line of known delay and loss did to it',
  minutes: 15,
  parts: ['accuracy', 'room', 'frames', 'timings'],
  async run(options) {
    const folder = await mkdtemp(join(tmpdir(), 'parley-client-bench-'))
    try {
      const { parts = clientBench.parts ?? [] } = options
      return [
        ...(parts.includes('accuracy') ? await measureAccuracy(folder, options) : []),
        ...(parts.includes('room') ? await measureRoom(folder, options) : []),
        ...(parts.includes('frames') ? await measureDrawn(folder, options) : []),
        ...(parts.includes('timings') ? await measureTimings(folder, options) : []),
      ]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
