import { type Command, Option } from 'commander'
import pc from 'picocolors'
import { POOLS, type PoolName } from '../config/schema.ts'
import { cloudInit, type Distribution, distributions, portsOf } from '../profile/cloud-init.ts'
import { EXAMPLE_CONFIG, readConfig } from './config-file.ts'

type Options = {
  config: string
  pool: PoolName
  distribution: Distribution
  nodes: string[]
  server?: string
}

export function addNodeProfile(program: Command): void {
  program
    .command('node-profile')
    .description('print cloud-init for a bare machine with a public address, without AWS')
    .option('--config <file>', 'the configuration', EXAMPLE_CONFIG)
    .addOption(new Option('--pool <pool>', 'what runs there').choices(POOLS).makeOptionMandatory())
    .addOption(
      new Option('--distribution <name>', 'how Kubernetes comes there')
        .choices(distributions)
        .default('k3s'),
    )
    .option('--nodes <cidrs...>', 'networks of the other nodes and of pods', ['10.0.0.0/8'])
    .option('--server <host>', 'the node that is there already; without it, this is the first')
    .action(async ({ config: file, pool, distribution, nodes, server }: Options) => {
      const config = await readConfig(file)
      const { administrators } = config
      const text = cloudInit({
        ...{ ports: portsOf(config), pool, distribution, nodeCidrs: nodes, administrators },
        ...(server === undefined ? {} : { server }),
      })
      console.error(
        pc.dim(`SSH from ${[...administrators, ...nodes].join(', ')} (administrators, --nodes)`),
      )
      process.stdout.write(text)
    })
}
