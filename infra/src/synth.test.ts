import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { mediaPortsOf } from './config/media-ports.ts'
import { DATA_TYPES, violationsOf } from './policy/policy.ts'
import { type SynthesizedStack, synthesize } from './synth.ts'
import { anyConfig, exampleConfig } from './testing/configs.ts'

type Body = Record<string, unknown>

const config = exampleConfig()
const stacks = synthesize(config)
const stackOf = (name: string) => stacks.find((stack) => stack.name === name)?.json
const named = (stack: string, type: string, name: string) =>
  stackOf(stack)?.resource?.[type]?.[name] as Body | undefined

/** References of a stack to outputs of others that nobody gives, and to resources that are not there. */
function danglingOf(all: readonly SynthesizedStack[]): string[] {
  return all.flatMap(({ name, dependsOn, json, text }) => {
    const remote = [
      ...text.matchAll(
        /data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)\.outputs\.([\w-]+)/g,
      ),
    ].flatMap(([, other = '', output = '']) => {
      const outputs = all.find((stack) => stack.name === other)?.json.output ?? {}
      return dependsOn.includes(other) && output in outputs ? [] : [`${name}: ${other}.${output}`]
    })
    const local = [...text.matchAll(/[{ ](?:(data)\.)?(aws_\w+)\.([\w-]+)\.[a-z]/g)].flatMap(
      ([, data, type = '', resource = '']) => {
        const there = data ? json.data?.[type] : json.resource?.[type]
        return there && resource in there ? [] : [`${name}: ${type}.${resource}`]
      },
    )
    return [...remote, ...local]
  })
}

describe('the stacks', () => {
  it('REQ-S2: of two regions come in the order in which they are applied', () => {
    const perRegion = (region: string) =>
      ['network', 'cluster', 'data', 'addons'].map((part) => `${region}-${part}`)
    expect(stacks.map(({ name }) => name)).toEqual([
      ...['bootstrap', 'dns', ...perRegion('eu-central-1'), ...perRegion('us-east-1'), 'global'],
    ])
    stacks.forEach(({ dependsOn }, index) => {
      const before = stacks.slice(0, index).map(({ name }) => name)
      for (const name of dependsOn) expect(before).toContain(name)
    })
  })

  it('are the same bytes from the same configuration', () => {
    const again = synthesize(exampleConfig())
    expect(again.map(({ text }) => text)).toEqual(stacks.map(({ text }) => text))
    expect(stacks.every(({ text }) => !text.includes('TfToken'))).toBe(true)
  })

  it('REQ-S2: three SFU servers of the type that decision 18 is about, at public addresses', () => {
    const group = named('eu-central-1-cluster', 'aws_eks_node_group', 'sfu-on-demand')
    expect(group).toMatchObject({
      instance_types: ['c6i.2xlarge'],
      scaling_config: { min_size: 3, desired_size: 3, max_size: 10 },
      labels: { 'parley.dev/pool': 'sfu' },
      taint: [{ key: 'parley.dev/media', value: 'true', effect: 'NO_SCHEDULE' }],
      force_update_version: false,
      // drainTimeout of the SFU, 4 h, and one to spare
      timeouts: { update: '5h' },
    })
    expect(group).toMatchObject({
      subnet_ids: expect.arrayContaining([expect.stringContaining('public-1')]),
    })
  })

  it('REQ-K4: media nodes open what the operator’s own spec says, and keep it from the kernel', () => {
    const template = named('eu-central-1-cluster', 'aws_launch_template', 'turn-template')
    const text = Buffer.from(String(template?.user_data), 'base64').toString()
    expect(text).toContain(
      'net.ipv4.ip_local_reserved_ports = 40000-49151,7881,3478,5349,49152-65535\n',
    )
    expect(text).toContain('shutdownGracePeriod: 3600s')
    const rules = stackOf('eu-central-1-cluster')?.resource?.aws_vpc_security_group_ingress_rule
    expect(rules?.['sfu-udp-40000']).toMatchObject({
      ...{ from_port: 40000, to_port: 49151, ip_protocol: 'udp', cidr_ipv4: '0.0.0.0/0' },
    })
    expect(rules?.['turn-udp-49152']).toMatchObject({ from_port: 49152, to_port: 65535 })
    expect(Object.keys(rules ?? {}).toSorted()).toEqual([
      ...['sfu-tcp-7881', 'sfu-udp-40000', 'turn-tcp-3478', 'turn-tcp-5349'],
      ...['turn-udp-3478', 'turn-udp-49152', 'web-from-balancer'],
    ])
  })

  it('REQ-S2: clients reach the nearest region, and another one where that is down', () => {
    const records = stackOf('global')?.resource?.aws_route53_record ?? {}
    expect(records['nearest-eu-central-1']).toMatchObject({
      name: 'origin.meet.example.com',
      latency_routing_policy: { region: 'eu-central-1' },
      health_check_id: expect.stringContaining('health-eu-central-1'),
    })
    const addressOf = (name: string) => (records[name]?.alias as Body | undefined)?.name
    expect(records['region-eu-central-1-when-down']).toMatchObject({
      name: 'eu-central-1.meet.example.com',
      failover_routing_policy: { type: 'SECONDARY' },
    })
    expect(addressOf('region-eu-central-1-when-down')).toBe(addressOf('nearest-us-east-1'))
    expect(addressOf('region-eu-central-1')).not.toBe(addressOf('nearest-us-east-1'))
  })

  it('a teardown that takes the data along has to be asked for', () => {
    const kept = (all: readonly SynthesizedStack[]) =>
      all.flatMap(({ json }) =>
        DATA_TYPES.flatMap((type) =>
          Object.values(json.resource?.[type] ?? {}).map(
            ({ lifecycle }) => (lifecycle as Body).prevent_destroy,
          ),
        ),
      )
    expect(new Set(kept(stacks))).toEqual(new Set([true]))
    const open = synthesize(config, { allowDataLoss: true })
    expect(new Set(kept(open))).toEqual(new Set([false]))
    // Even then there is a last snapshot.
    const mysql = open.find(({ name }) => name === 'us-east-1-data')?.json.resource?.aws_db_instance
    expect(mysql?.mysql).toMatchObject({ deletion_protection: false, skip_final_snapshot: false })
  })

  it('whatever the configuration, keep every policy, and refer only to what is there', () => {
    fc.assert(
      fc.property(anyConfig(), (made) => {
        const all = synthesize(made)
        expect(violationsOf(made, all)).toEqual([])
        expect(danglingOf(all)).toEqual([])
        for (const { region, meetingCluster, sizes } of made.regions) {
          const cluster = all.find(({ name }) => name === `${region}-cluster`)?.json.resource
          const open = Object.keys(cluster?.aws_vpc_security_group_ingress_rule ?? {})
          const { sfu, turn } = mediaPortsOf(meetingCluster)
          expect(open).toHaveLength(sfu.length + turn.length + 1)
          const groups = Object.values(cluster?.aws_eks_node_group ?? {})
          for (const pool of ['system', 'web', 'sfu', 'turn'] as const) {
            const ofPool = groups.filter(
              ({ labels }) => (labels as Body)['parley.dev/pool'] === pool,
            )
            const total = (field: string) =>
              ofPool.reduce(
                (all, { scaling_config }) => all + Number((scaling_config as Body)[field]),
                0,
              )
            expect([total('min_size'), total('max_size')]).toEqual([
              sizes[pool].min,
              sizes[pool].max,
            ])
          }
        }
      }),
      { numRuns: 6 },
    )
  })
})
