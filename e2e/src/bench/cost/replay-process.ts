/** `node replay-process.ts RESULT.json EVENTS`: replays a stream, and says how much memory that took. */
import { writeFile } from 'node:fs/promises'
import { runCli } from '@parley/cli'

const [, script = '', resultFile = '', events = ''] = process.argv
const code = await runCli([
  ...[process.execPath, script, 'cost', 'replay', '--events', events],
  ...['--prices', 'aws/eu-central-1', '--output', 'json'],
])
await writeFile(resultFile, JSON.stringify({ maxRssKibibytes: process.resourceUsage().maxRSS }))
process.exitCode = code
