import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from './aws.ts'
import type { InfraConfig } from './config/load.ts'
import { AddonsStack } from './stacks/addons.ts'
import { BootstrapStack } from './stacks/bootstrap.ts'
import { ClusterStack } from './stacks/cluster.ts'
import { DataStack } from './stacks/data.ts'
import { DnsStack } from './stacks/dns.ts'
import { GLOBAL_REGION, GlobalStack } from './stacks/global.ts'
import { NetworkStack } from './stacks/network.ts'
import type { ParleyStack } from './stacks/stack.ts'

type Body = Record<string, unknown>

/** A stack as Terraform reads it. */
export type StackJson = {
  terraform: { backend: Record<string, Body>; required_providers: Record<string, Body> }
  provider: { aws: { region: string; default_tags: { tags: Record<string, string> }[] }[] }
  /** By type, by name. */
  resource?: Record<string, Record<string, Body>>
  data?: Record<string, Record<string, Body>>
  output?: Record<string, Body>
}

export type SynthesizedStack = {
  name: string
  /** Stacks that must be there before this one. */
  dependsOn: string[]
  json: StackJson
  /** The same, as it is written. */
  text: string
}

export type SynthOptions = {
  /** Lets Terraform delete what holds data. */
  allowDataLoss?: boolean
  onStack?: (name: string) => void
}

/**
 * All stacks of a configuration, in the order in which they are applied. Equal configurations give
 * equal bytes.
 */
export function synthesize(config: InfraConfig, options: SynthOptions = {}): SynthesizedStack[] {
  const { allowDataLoss = false, onStack } = options
  const outdir = mkdtempSync(join(tmpdir(), 'parley-infra-'))
  try {
    const app = new App({ outdir })
    const common = { config, allowDataLoss }
    const names: string[] = []
    const made = <S extends ParleyStack>(stack: S): S => {
      names.push(stack.node.id)
      onStack?.(stack.node.id)
      return stack
    }
    made(new BootstrapStack(app, { ...common, region: config.state.region }))
    const global = { ...common, region: GLOBAL_REGION }
    const dns = made(new DnsStack(app, global))
    const entries = config.regions.map((region) => {
      const here = { ...common, region: region.region }
      const network = made(new NetworkStack(app, region, dns, here))
      const cluster = made(new ClusterStack(app, region, network, here))
      const data = made(new DataStack(app, region, { network, cluster }, here))
      made(new AddonsStack(app, region, { network, cluster, data }, here))
      return { region, network }
    })
    made(new GlobalStack(app, entries, dns, global))
    app.synth()
    return inOrder(readStacks(outdir, names))
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}

function readStacks(outdir: string, names: readonly string[]): SynthesizedStack[] {
  const { stacks } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as {
    stacks: Record<string, { synthesizedStackPath: string; dependencies: string[] }>
  }
  return names.map((name) => {
    const { synthesizedStackPath = '', dependencies = [] } = stacks[name] ?? {}
    const json = JSON.parse(readFileSync(join(outdir, synthesizedStackPath), 'utf8')) as StackJson
    return {
      name,
      dependsOn: dependencies.toSorted(),
      json,
      text: `${JSON.stringify(json, null, 2)}\n`,
    }
  })
}

/** Each stack after those that it depends on, else as they were made. */
function inOrder(stacks: readonly SynthesizedStack[]): SynthesizedStack[] {
  const done: SynthesizedStack[] = []
  const left = [...stacks]
  while (left.length > 0) {
    const names = new Set(done.map(({ name }) => name))
    const index = left.findIndex(({ dependsOn }) => dependsOn.every((name) => names.has(name)))
    done.push(...left.splice(Math.max(0, index), 1))
  }
  return done
}
