import { type Command, InvalidArgumentError, Option } from 'commander'
import pc from 'picocolors'
import { catalogueAsOf } from '../config/catalogue.ts'
import { type InfraCost, whatIfs } from '../cost/cost.ts'
import { assumptionLines, costTable, linesTable, whatIfTable } from '../cost/render.ts'
import { synthesize } from '../synth.ts'
import { EXAMPLE_CONFIG, readConfig } from './config-file.ts'

type Options = {
  config: string
  users: number[]
  relayShare: number
  roomSize: number
  lines: boolean
  output: 'table' | 'json'
}

export function addCost(program: Command): void {
  program
    .command('cost')
    .description('what the stacks cost before they are built, from dated list prices')
    .option('--config <file>', 'the configuration', EXAMPLE_CONFIG)
    .option(
      '--users <n,…>',
      'users at the same time, all month round',
      numbers,
      [200, 10_000, 1_000_000],
    )
    .option('--relay-share <share>', 'share of them that is relayed, 0 to 1', number, 0.2)
    .option('--room-size <n>', 'people in a meeting', number, 6)
    .option('--lines', 'every line of the bill, too', false)
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Nodes are as many as the load needs by "parley plan", and no fewer than the pools have.

Examples:
  $ npm run infra:cost                                        the example, for three loads
  $ npm run infra:cost -- --config my.yaml --users 500 --lines
  $ npm run infra:cost -- --users 10000 -o json`,
    )
    .action(async ({ config: file, users, relayShare, roomSize, lines, output }: Options) => {
      const config = await readConfig(file)
      const stacks = synthesize(config)
      const results = users.map((count) =>
        whatIfs({ config, stacks, users: count, relayShare, media: { roomSize } }),
      )
      const costs = results.flatMap(([asConfigured]) => asConfigured?.cost ?? [])
      if (output === 'json') {
        console.log(JSON.stringify(jsonOf(results), null, 2))
        return
      }
      const regions = config.regions.map(({ region }) => region).join(', ')
      console.log(
        pc.bold(
          `${regions}: rooms of ${roomSize}, ${Math.round(relayShare * 1000) / 10} % relayed\n`,
        ),
      )
      console.log(costTable(costs))
      results.forEach((variants, index) => {
        console.log(`\n${pc.bold(`${users[index]?.toLocaleString('en-US')} users`)}`)
        console.log(whatIfTable(variants))
        const [cost] = costs.slice(index)
        if (lines && cost) console.log(`\n${linesTable(cost)}`)
        for (const note of cost?.notes ?? []) console.log(pc.yellow(note))
      })
      console.log(
        pc.dim(
          `\nList prices of ${catalogueAsOf}, of memory and scaled from us-east-1: approximate, without taxes (docs/infra.md). Taken for granted:`,
        ),
      )
      for (const line of assumptionLines()) console.log(pc.dim(`  ${line}`))
    })
}

function jsonOf(results: readonly (readonly { name: string; cost: InfraCost }[])[]): object {
  return {
    costs: results.map(([asConfigured, ...others]) => ({
      ...asConfigured?.cost,
      whatIf: others.map(({ name, cost: { perMonth, perUserHour } }) => ({
        ...{ name, perMonth, perUserHour },
      })),
    })),
    assumptions: assumptionLines(),
  }
}

function numbers(text: string): number[] {
  return text.split(',').map((part) => {
    const value = number(part)
    if (value < 1)
      throw new InvalidArgumentError('It must be numbers of 1 or more, with commas in between.')
    return value
  })
}

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number, 0 or more.')
  return value
}
