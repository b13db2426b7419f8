import { runCli } from './cli.ts'
import { messageOf } from './errors.ts'

// Whoever reads our output may stop early, as `head` does: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  console.error(`error: ${messageOf(error)}`)
  process.exit(1)
})

process.exitCode = await runCli(process.argv)
