import {
  defaultPreset,
  type NodeVariant,
  nodeVariants,
  plan,
  renderPlan,
  usualMedia,
} from '@parley/relay-cost'
import { type Command, Option } from 'commander'
import { colours } from '../colours.ts'
import { pricesOf } from './cost/prices-of.ts'
import { type MediaOptions, mediaOf } from './cost/what-if.ts'
import { atLeastZero, share } from './numbers.ts'

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('pods, nodes, regions and money for a load, with the arithmetic')
    .requiredOption('--concurrent <n>', 'users in meetings at the same time', atLeastZero)
    .requiredOption('--relay-share <share>', 'share of them that is relayed, 0 to 1', share)
    .option('--room-size <n>', `people in a meeting (default: ${usualMedia.roomSize})`, atLeastZero)
    .option('--mesh-max <n>', 'rooms of up to this many are meshes (default: 4)', atLeastZero)
    .option('--prices <lists...>', 'one price list for all regions, or one for each', [
      defaultPreset,
    ])
    .addOption(
      new Option(
        '--node-variant <variant>',
        'how nodes are bought (default: as the list says)',
      ).choices([...nodeVariants]),
    )
    .option('--audio-kbps <n>', `of one stream (default: ${usualMedia.audioKbps})`, atLeastZero)
    .option('--video-kbps <n>', `of one stream (default: ${usualMedia.videoKbps})`, atLeastZero)
    .option('--screen-kbps <n>', 'one in each meeting shares a screen (default: 0)', atLeastZero)
    .option('--turn-pps <n>', 'packets that one core of your TURN nodes relays', atLeastZero)
    .option('--sfu-tracks <n>', 'tracks that one core of your SFU nodes carries', atLeastZero)
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Every step is shown with its arithmetic, and every figure with its source. Bitrates
are of one stream that one person sends; in a mesh each other one gets a copy.

Examples:
  $ parley plan --concurrent 100000 --relay-share 0.15 --room-size 6
  $ parley plan --concurrent 2000000 --relay-share 0.1 --room-size 8 --video-kbps 300 \\
      --prices aws/us-east-1 aws/eu-central-1 aws/ap-south-1 --node-variant reserved
  $ parley plan --concurrent 500 --relay-share 0.2 -o json
`,
    )
    .action(async (options: PlanOptions) => {
      const { concurrent, relayShare, meshMax, nodeVariant, turnPps, sfuTracks } = options
      const result = plan({
        ...{ concurrent, relayShare, media: mediaOf(options) },
        prices: await Promise.all(options.prices.map(pricesOf)),
        ...(meshMax === undefined ? {} : { meshMax }),
        ...(nodeVariant === undefined ? {} : { variant: nodeVariant }),
        capacity: {
          ...(turnPps === undefined ? {} : { turnPacketsPerCore: turnPps }),
          ...(sfuTracks === undefined ? {} : { sfuTracksPerCore: sfuTracks }),
        },
      })
      process.stdout.write(renderPlan(result, options.output, colours))
    })
}

type PlanOptions = MediaOptions & {
  concurrent: number
  relayShare: number
  meshMax?: number
  prices: string[]
  nodeVariant?: NodeVariant
  turnPps?: number
  sfuTracks?: number
  output: 'table' | 'json'
}
