import { renderWhatIf, whatIf } from '@parley/relay-cost'
import { type Command, Option } from 'commander'
import { UsageError } from '../../errors.ts'
import { atLeastZero, share } from '../numbers.ts'
import { pricesOf } from './prices-of.ts'

export function addWhatIf(cost: Command): void {
  cost
    .command('what-if')
    .description('the cost of a scenario')
    .requiredOption('--users <n>', 'concurrent users', atLeastZero)
    .requiredOption('--relay-share <share>', 'share of them that is relayed, 0 to 1', share)
    .option('--prices <file|preset>', 'price the relayed traffic by this price list')
    .option('--flat-rate <perHour>', 'instead: money per relayed user and hour', atLeastZero)
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ parley cost what-if --users 100 --relay-share 0.2 --flat-rate 0.05
  $ parley cost what-if --users 100 --relay-share 0.2 --prices aws/eu-central-1 -o json
`,
    )
    .action(
      async (options: {
        users: number
        relayShare: number
        prices?: string
        flatRate?: number
        output: 'table' | 'json'
      }) => {
        if (options.prices && options.flatRate !== undefined)
          throw new UsageError('give --prices or --flat-rate, not both')
        const rate = options.prices
          ? { prices: await pricesOf(options.prices) }
          : { flatRate: options.flatRate ?? 0.05 }
        const { users, relayShare } = options
        process.stdout.write(renderWhatIf(whatIf({ users, relayShare, ...rate }), options.output))
      },
    )
}
