/** A process of its own that makes the stacks of the configuration on stdin, and says what it took. */
import { text } from 'node:stream/consumers'
import { loadConfig, synthesize } from '@parley/infra'

const stacks = synthesize(loadConfig(await text(process.stdin), 'bench'))
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ stacks: stacks.length, peakMB: (maxRSS * 1024) / 1e6 }))
