import type { Command } from 'commander'

export function addMeter(program: Command): void {
  program
    .command('meter')
    .description('run the meter: relay accounting from coturn’s statsdb, and its report API')
    .addHelpText(
      'after',
      `
It is configured by environment variables, which meter/README.md lists.

Example:
  $ METER_STORE=sqlite:./meter.db REDIS_URL_FILE=./redis-url METER_TOKEN_FILE=./token \\
      METER_PRICES_PRESET=aws/eu-central-1 parley meter
`,
    )
    .action(async () => {
      const { runMeter } = await import('@parley/meter')
      await runMeter()
    })
}
