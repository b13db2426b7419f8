import type { Command } from 'commander'

export function addMeter(program: Command): void {
  program
    .command('meter')
    .description('run the meter: relay accounting from coturn’s statsdb, and its report API')
    .addHelpText(
      'after',
      '\nIt is configured by environment variables, which meter/README.md lists.\n',
    )
    .action(async () => {
      const { runMeter } = await import('@parley/meter')
      await runMeter()
    })
}
