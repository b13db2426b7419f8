import {
  type ImportRequest,
  type ImportSource,
  importSources,
  type Prices,
  presets,
  priceImporter,
  pricesYaml,
  roundMoney,
} from '@parley/relay-cost'
import { type Command, Option } from 'commander'
import { colours } from '../../colours.ts'
import { UsageError } from '../../errors.ts'
import { readJsonEntries } from '../../json-entries.ts'
import { alignColumns } from '../../table.ts'
import { priceListsOf } from './prices-of.ts'

export function addPrices(cost: Command): void {
  const prices = cost
    .command('prices')
    .description('price lists: those that come with Parley, your own, and your vendor’s')
  addList(prices)
  addShow(prices)
  addImport(prices)
}

function addList(prices: Command): void {
  prices
    .command('list')
    .description('the presets: list prices by provider and region')
    .argument('[provider]', 'only those of aws, gcp, azure, cloudflare or twilio')
    .addOption(output(['table', 'json']))
    .addHelpText(
      'after',
      `
Of each list: the first GB that costs something, a GB at the lowest tier, a GB to
another zone and to another region, and a node and its public address by the hour,
all before discounts. ~ marks lists with figures to check.

Examples:
  $ parley cost prices list
  $ parley cost prices list aws -o json
`,
    )
    .action((provider: string | undefined, options: { output: string }) => {
      const lists = Object.values(presets).filter(
        ({ name }) => provider === undefined || name.startsWith(`${provider}/`),
      )
      if (lists.length === 0)
        throw new UsageError(
          `there is no provider "${provider}"; use one of ${providers().join(', ')}`,
        )
      const text =
        options.output === 'json' ? JSON.stringify(lists, jsonNumber, 2) : listTable(lists)
      process.stdout.write(`${text}\n`)
    })
}

function addShow(prices: Command): void {
  prices
    .command('show')
    .description('a preset or a price file, in full')
    .argument('<file|preset>', 'as aws/eu-central-1')
    .addOption(output(['table', 'yaml', 'json']))
    .addHelpText(
      'after',
      `
Examples:
  $ parley cost prices show gcp/europe-west3
  $ parley cost prices show aws/eu-central-1 -o yaml > prices.yaml   a list to make your own
`,
    )
    .action(async (name: string, options: { output: string }) => {
      const lists = await priceListsOf(name)
      const text =
        options.output === 'json'
          ? JSON.stringify(lists, jsonNumber, 2)
          : lists
              .map(options.output === 'yaml' ? pricesYaml : showTable)
              .join(options.output === 'yaml' ? '---\n' : '\n\n')
      process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    })
}

function addImport(prices: Command): void {
  prices
    .command('import')
    .description('make a price list from your vendor’s own price files; prints it as YAML')
    .addOption(
      new Option('--from <vendor>', 'whose files they are')
        .choices([...importSources])
        .makeOptionMandatory(),
    )
    .requiredOption('--file <files...>', 'JSON of the vendor; several files are read as one')
    .requiredOption('--region <region>', 'the vendor’s name of it, as eu-central-1')
    .option('--node <type>', 'node to price (default: c6i.large, n2-standard-2, Standard_F2s_v2)')
    .addOption(
      new Option('--network-tier <tier>', 'the vendor’s own network, or the cheaper way out')
        .choices(['premium', 'standard'])
        .default('premium'),
    )
    .addHelpText(
      'after',
      `
Nothing is fetched. Where the files are from:
  aws    offer files AWSDataTransfer, AmazonEC2 and AmazonVPC of a region:
         https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json
  gcp    SKUs of the Cloud Billing catalog, service 6F81-5844-456A, every page
  azure  answers of https://prices.azure.com/api/retail/prices, every page

Examples:
  $ parley cost prices import --from aws --region eu-central-1 \\
      --file AWSDataTransfer.json AmazonEC2.json AmazonVPC.json > prices.yaml
  $ parley cost prices import --from azure --region westeurope --file page-*.json
`,
    )
    .action(
      async (
        options: { from: ImportSource; file: string[] } & Pick<
          ImportRequest,
          'region' | 'node' | 'networkTier'
        >,
      ) => {
        const { from, file: files, ...request } = options
        const importer = priceImporter(from, request)
        for (const file of files)
          await readJsonEntries(file, importer.paths, (entry) => importer.add(entry))
        const { prices: list, notes } = importer.result()
        for (const note of notes) console.error(`note: ${note}`)
        process.stdout.write(pricesYaml(list))
      },
    )
}

function listTable(lists: readonly Prices[]): string {
  const head = ['preset', 'per GB', 'in bulk', 'zone', 'region', 'node/h', 'IPv4/h']
  const rows = lists.map((prices) => {
    const { egress, nodes } = prices
    const { tiers } = egress.internet
    return [
      prices.approximate ? `${prices.name} ~` : prices.name,
      priceText(tiers.find(({ perGB }) => perGB > 0)?.perGB ?? 0),
      priceText(tiers.at(-1)?.perGB ?? 0),
      priceText(egress.crossZone.perGB),
      priceText(egress.interRegion.perGB),
      nodes.perHour > 0 ? String(nodes.perHour) : '–',
      nodes.publicIPv4PerHour > 0 ? String(nodes.publicIPv4PerHour) : '–',
    ]
  })
  return alignColumns(head, rows, { right: [1, 2, 3, 4, 5, 6], gap: 2 })
}

function showTable(prices: Prices): string {
  const { egress, nodes, currency, gigabyte } = prices
  const { bold, dim } = colours
  const money = (amount: number) => `${amount} ${currency}`
  let from = 0
  const tiers = egress.internet.tiers.map(({ upToGB, perGB }) => {
    const to = upToGB === Number.POSITIVE_INFINITY ? 'on' : `to ${grouped(upToGB)} GB`
    const row = [`  from ${grouped(from)} GB ${to}`, money(perGB)]
    from = upToGB
    return row
  })
  const rows = [
    ['internet, a GB a month', ''],
    ...tiers,
    ['to another zone, a GB', money(egress.crossZone.perGB)],
    ['to another region, a GB', money(egress.interRegion.perGB)],
    [`node${nodes.type ? ` ${nodes.type}` : ''}, an hour`, money(nodes.perHour)],
    ...(['reserved', 'spot'] as const).map((variant) => [
      `  ${variant}, less ${Math.round(nodes.discounts[variant] * 100)} %`,
      money(roundMoney(nodes.perHour * (1 - nodes.discounts[variant]))),
    ]),
    ['public IPv4 address, an hour', money(nodes.publicIPv4PerHour)],
    ...(prices.meter === 'flat-rate'
      ? [['relayed user, an hour', money(prices.flatRate.perRelayedUserHour)]]
      : []),
  ]
  return [
    `${bold(prices.name)}  as of ${prices.asOf}${prices.approximate ? '  (some figures approximate)' : ''}`,
    dim(
      `meter ${prices.meter}, ${gigabyte === 1e9 ? 'GB of 10^9 bytes' : 'GB of 2^30 bytes'}, ${prices.packetOverheadBytes} bytes of headers a packet`,
    ),
    dim(
      egress.internet.priorUsageGB > 0
        ? `the first ${grouped(egress.internet.priorUsageGB)} GB of the month are taken as used up`
        : 'tiers begin with the first GB of the month',
    ),
    dim(prices.source),
    '',
    alignColumns(['', 'price'], rows, { right: [1] }),
  ].join('\n')
}

function providers(): string[] {
  return [...new Set(Object.keys(presets).map((name) => name.split('/')[0] ?? ''))]
}

function priceText(price: number): string {
  return price === 0 ? '0' : price.toFixed(Math.max(2, String(price).split('.')[1]?.length ?? 0))
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** Infinity, the last tier's bound, is not in JSON: the bound is left out, as in a price file. */
function jsonNumber(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? undefined : value
}

function output(formats: string[]): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(formats).default('table')
}
