import { reportDimensions } from '@parley/protocol'
import { parseBy, replayEvents, replayReport } from '@parley/relay-cost'
import type { Command } from 'commander'
import { readLines } from '../../input.ts'
import { type Format, format, print } from './output.ts'
import { pricesOf } from './prices-of.ts'

export function addReplay(cost: Command): void {
  cost
    .command('replay')
    .description('the same report from a recorded coturn statsdb stream')
    .requiredOption(
      '--events <file>',
      'JSON lines {"t": ms, "channel": "turn/realm/…", "message": "…"}; any order, repeats allowed',
    )
    .requiredOption('--prices <file|preset>', 'prices to use')
    .option('--by <dimensions>', `rows by any of ${reportDimensions.join(', ')}`, 'room')
    .addOption(format())
    .addHelpText(
      'after',
      `
A line that cannot be read is named by its number on standard error; the rest is counted.

Example:
  $ parley cost replay --events stream.jsonl --prices aws/eu-central-1 --by tenant,room
`,
    )
    .action(async (options: { events: string; prices: string; by: string; output: Format }) => {
      const by = parseBy(options.by)
      const prices = await pricesOf(options.prices)
      const replay = replayEvents(await linesOf(options.events))
      for (const { line, reason } of replay.rejected.slice(0, 20))
        console.error(`${options.events}:${line}: ${reason}; the line is left out`)
      if (replay.rejected.length > 20)
        console.error(`… and ${replay.rejected.length - 20} more lines were left out`)
      if (replay.accepted === 0)
        throw new Error(
          `${options.events} has no event that can be counted; it wants JSON lines {"t": epoch ms, "channel": "turn/realm/…", "message": "…"}`,
        )
      print(replayReport(replay, { prices, by }), options.output)
    })
}

async function linesOf(file: string): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(file)) lines.push(line)
  return lines
}
