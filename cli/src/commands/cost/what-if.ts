import {
  type NodeVariant,
  nodeVariants,
  renderWhatIf,
  type Topology,
  topologies,
  usualMedia,
  whatIf,
} from '@parley/relay-cost'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../../errors.ts'
import { atLeastZero, share } from '../numbers.ts'
import { pricesOf } from './prices-of.ts'

export function addWhatIf(cost: Command): void {
  cost
    .command('what-if')
    .description('the cost of a scenario, and of other ways to have it')
    .requiredOption('--users <n>', 'concurrent users', atLeastZero)
    .requiredOption('--relay-share <share>', 'share of them that is relayed, 0 to 1', share)
    .option('--prices <file|preset>', 'price the relayed traffic by this price list', once)
    .option('--flat-rate <perHour>', 'instead: money per relayed user and hour', atLeastZero)
    .option('--compare <lists...>', 'price lists to set beside, as other regions')
    .option('--room-size <n>', `people in a meeting (default: ${usualMedia.roomSize})`, atLeastZero)
    .addOption(
      new Option('--topology <topology>', 'who sends to whom')
        .choices([...topologies])
        .default('mesh'),
    )
    .option('--audio-kbps <n>', `of one stream (default: ${usualMedia.audioKbps})`, atLeastZero)
    .option('--video-kbps <n>', `of one stream (default: ${usualMedia.videoKbps})`, atLeastZero)
    .option('--screen-kbps <n>', 'one in each meeting shares a screen (default: 0)', atLeastZero)
    .option('--nodes <n>', 'TURN nodes that run all month', atLeastZero)
    .addOption(
      new Option(
        '--node-variant <variant>',
        'how nodes are bought (default: as the list says)',
      ).choices([...nodeVariants]),
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
With neither --prices nor --flat-rate, a relayed user and hour cost 0.05.
With --prices, what leaves is priced: to relayed users, and from them to peers that
are not relayed; the answer shows mesh and SFU side by side.

Examples:
  $ parley cost what-if --users 100 --relay-share 0.2 --flat-rate 0.05
  $ parley cost what-if --users 100 --relay-share 0.2 --prices aws/eu-central-1 -o json
  $ parley cost what-if --users 5000 --relay-share 0.15 --prices aws/eu-central-1 \\
      --compare gcp/europe-west3 azure/westeurope cloudflare/global
  $ parley cost what-if --users 5000 --relay-share 0.15 --prices aws/eu-central-1 \\
      --room-size 8 --video-kbps 300 --screen-kbps 1500 --nodes 12 --node-variant spot
`,
    )
    .action(async (options: WhatIfOptions) => {
      const { users, relayShare, flatRate, output } = options
      if (options.prices && flatRate !== undefined)
        throw new UsageError('give --prices or --flat-rate, not both')
      if (!options.prices) {
        refuseWithoutPrices(options)
        const result = whatIf({ users, relayShare, flatRate: flatRate ?? 0.05 })
        process.stdout.write(renderWhatIf(result, output))
        return
      }
      const { nodes: count, nodeVariant } = options
      if (nodeVariant && count === undefined)
        throw new UsageError('--node-variant goes with --nodes, the number of nodes')
      const variant = nodeVariant ? { variant: nodeVariant } : {}
      const result = whatIf({
        ...{ users, relayShare, topology: options.topology },
        prices: await pricesOf(options.prices),
        compare: await Promise.all((options.compare ?? []).map(pricesOf)),
        media: mediaOf(options),
        ...(count === undefined ? {} : { nodes: { count, ...variant } }),
      })
      process.stdout.write(renderWhatIf(result, output))
    })
}

/** commander takes the last of an option that is repeated, and says nothing of the others. */
function once(value: string, before: string | undefined): string {
  if (before === undefined) return value
  throw new InvalidArgumentError('Give it once; lists to set beside it go with --compare.')
}

export type MediaOptions = {
  roomSize?: number
  audioKbps?: number
  videoKbps?: number
  screenKbps?: number
}

type WhatIfOptions = MediaOptions & {
  users: number
  relayShare: number
  prices?: string
  flatRate?: number
  compare?: string[]
  topology: Topology
  nodes?: number
  nodeVariant?: NodeVariant
  output: 'table' | 'json'
}

/** What of the media was said; the rest is as usual. */
export function mediaOf({ roomSize, audioKbps, videoKbps, screenKbps }: MediaOptions) {
  return {
    ...(roomSize === undefined ? {} : { roomSize }),
    ...(audioKbps === undefined ? {} : { audioKbps }),
    ...(videoKbps === undefined ? {} : { videoKbps }),
    ...(screenKbps === undefined ? {} : { screenKbps }),
  }
}

/** A flat rate knows of users alone: to leave the rest out of account silently would mislead. */
function refuseWithoutPrices(options: WhatIfOptions): void {
  const { compare, roomSize, audioKbps, videoKbps, screenKbps, nodes, nodeVariant } = options
  const given = Object.entries({
    ...{ '--compare': compare, '--room-size': roomSize, '--audio-kbps': audioKbps },
    ...{ '--video-kbps': videoKbps, '--screen-kbps': screenKbps, '--nodes': nodes },
    ...{ '--node-variant': nodeVariant },
  }).filter(([, value]) => value !== undefined)
  if (given.length > 0)
    throw new UsageError(
      `${given.map(([name]) => name).join(', ')} goes with --prices: a flat rate counts users alone`,
    )
}
