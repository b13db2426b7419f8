import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { InfraError } from '../errors.ts'
import { handOver, type Outputs } from '../handover/region.ts'
import { EXAMPLE_CONFIG, readConfig } from './config-file.ts'

type Options = { config: string; region: string; outputs: string[]; ca: string; out: string }

export function addHandOver(program: Command): void {
  program
    .command('hand-over')
    .description(
      "write a region's MeetingCluster, Secrets and Helm values from its stacks' outputs",
    )
    .option('--config <file>', 'the configuration', EXAMPLE_CONFIG)
    .requiredOption('--region <region>', 'which one')
    .requiredOption('--outputs <files...>', '"terraform output -json" of network, cluster and data')
    .requiredOption('--ca <file>', 'certificates that MySQL’s comes from (PEM)')
    .option('--out <dir>', 'where to write to', 'dist/infra')
    .action(async ({ config: file, region: name, outputs: files, ca, out }: Options) => {
      const config = await readConfig(file)
      const region = config.regions.find((one) => one.region === name)
      if (!region)
        throw new InfraError(
          'OUTPUTS',
          `no region ${name} in ${file}; there are ${config.regions.map((one) => one.region).join(', ')}`,
        )
      const outputs: Outputs = {}
      for (const path of files) Object.assign(outputs, await readOutputs(path))
      const mysqlCa = await readFile(ca, 'utf8')
      for (const [path, text] of handOver(config, region, outputs, mysqlCa)) {
        const target = join(out, 'regions', name, path)
        await mkdir(dirname(target), { recursive: true })
        await writeFile(target, text)
        console.log(target)
      }
    })
}

async function readOutputs(file: string): Promise<Outputs> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text) as Outputs
  } catch {
    throw new InfraError('OUTPUTS', `${file}: not JSON: give what "terraform output -json" prints`)
  }
}
