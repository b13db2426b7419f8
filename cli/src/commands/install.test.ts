import { expect, it } from '@jest/globals'
import { type GivenValues, installObjects } from '@parley/charts'
import { Command } from 'commander'
import { addManager } from './manager.ts'

type Deployment = { spec: { template: { spec: { containers: { args: string[] }[] } } } }

it.each<GivenValues>([
  {},
  { metricsApi: { custom: true } },
  { watchNamespace: 'meetings' },
  { shards: 2, leaderElection: { enabled: false } },
])('REQ-K1: parley manager knows the arguments that it is installed with: %j', (values) => {
  const program = new Command()
  addManager(program)
  const [manager] = program.commands
  const known = manager?.options.map(({ long }) => long)
  const deployments = installObjects({ namespace: 'x', values }).filter(
    ({ kind }) => kind === 'Deployment',
  ) as unknown as Deployment[]
  expect(deployments).toHaveLength(values.shards ?? 1)
  for (const { spec } of deployments) {
    const [command, ...args] = spec.template.spec.containers[0]?.args ?? []
    expect(command).toBe('manager')
    expect(args.length).toBeGreaterThan(1)
    for (const arg of args) expect(known).toContain(arg.split('=')[0])
  }
})
