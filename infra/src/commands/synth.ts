import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { InfraConfig } from '../config/load.ts'
import { POOLS } from '../config/schema.ts'
import { InfraError } from '../errors.ts'
import { policies, type Violation, violationsOf } from '../policy/policy.ts'
import { type SynthesizedStack, synthesize } from '../synth.ts'
import { EXAMPLE_CONFIG, readConfig } from './config-file.ts'

type Options = { config: string; out: string; allowDataLoss: boolean }

export function addSynth(program: Command): void {
  program
    .command('synth')
    .description('write the stacks as Terraform JSON; nothing is asked of AWS')
    .option('--config <file>', 'the configuration', EXAMPLE_CONFIG)
    .option('--out <dir>', 'where to write to', 'dist/infra')
    .option(
      '--allow-data-loss',
      'without deletion protection: for a teardown that takes the data along',
      false,
    )
    .action(async (options: Options) => {
      const started = performance.now()
      const config = await readConfig(options.config)
      const say = (text: string) => console.error(pc.dim(text))
      const stacks = synthesize(config, {
        allowDataLoss: options.allowDataLoss,
        onStack: (name) => say(`… ${name}`),
      })
      const kept = policies.filter(({ protects }) => !(protects && options.allowDataLoss))
      checkPolicies(
        violationsOf(config, stacks).filter(({ policy }) => kept.some(({ id }) => id === policy)),
      )
      const stale = await writeStacks(options.out, stacks)
      const seconds = (performance.now() - started) / 1000
      console.log(summary(config, stacks))
      console.log(
        `\n${stacks.length} stacks in ${options.out}/stacks, ${kept.length} policies kept, ${seconds.toFixed(1)} s`,
      )
      if (options.allowDataLoss)
        console.log(
          pc.yellow('Nothing protects the data of these stacks: apply them to tear down only.'),
        )
      for (const name of stale)
        console.log(
          pc.yellow(
            `${name} is no longer part of it: destroy it (docs/infra.md), then delete its folder.`,
          ),
        )
    })
}

/** @throws {InfraError} `POLICY`: the stacks are never written where they break a rule of ours */
function checkPolicies(violations: readonly Violation[]): void {
  if (violations.length > 0)
    throw new InfraError(
      'POLICY',
      violations.map(({ policy, where, message }) => `${policy}: ${where}: ${message}`).join('\n'),
    )
}

/** @returns stacks of an earlier run that are there no more; their folders are left alone */
async function writeStacks(out: string, stacks: readonly SynthesizedStack[]): Promise<string[]> {
  const folder = join(out, 'stacks')
  for (const { name, text } of stacks) {
    await mkdir(join(folder, name), { recursive: true })
    await writeFile(join(folder, name, 'cdk.tf.json'), text)
  }
  const present = await readdir(folder)
  return present.filter((entry) => !stacks.some(({ name }) => name === entry))
}

function summary(config: InfraConfig, stacks: readonly SynthesizedStack[]): string {
  const width = Math.max(...stacks.map(({ name }) => name.length))
  const lines = stacks.map(({ name, json, dependsOn }, index) => {
    const count = Object.values(json.resource ?? {}).reduce(
      (sum, ofType) => sum + Object.keys(ofType).length,
      0,
    )
    const after = dependsOn.length > 0 ? `after ${dependsOn.join(', ')}` : ''
    return `${String(index + 1).padStart(3)}  ${name.padEnd(width)}  ${String(count).padStart(4)} resources  ${pc.dim(after)}`.trimEnd()
  })
  const regions = config.regions.map(({ region, cidr, host, sizes }) => {
    const pools = POOLS.map((pool) => {
      const { min, max, type } = sizes[pool]
      return `${pool} ${min}–${max} × ${type}`
    })
    return `${pc.bold(region)}  ${cidr}  https://${host}\n     ${pools.join(', ')}\n     Redis ${sizes.redis.nodes} × ${sizes.redis.type}, MySQL ${sizes.mysql.type}${sizes.mysql.standby ? ' with a standby' : ''}`
  })
  return `${pc.bold(`https://${config.domain}`)}, ${config.environment}\n\n${regions.join('\n')}\n\nTo apply in this order:\n${lines.join('\n')}`
}
