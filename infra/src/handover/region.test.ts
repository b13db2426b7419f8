import { describe, expect, it } from '@jest/globals'
import { type MeetingCluster, parseMeetingCluster } from '@parley/operator/api'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { type InfraConfig, loadConfig } from '../config/load.ts'
import { synthesize } from '../synth.ts'
import { exampleConfig, exampleText } from '../testing/configs.ts'
import { handOver, type Outputs } from './region.ts'

const ca = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

/** What Terraform would say of a region: each output of its stacks has some value. */
function outputsOf(config: InfraConfig, region: string): Outputs {
  const ofRegion = synthesize(config).filter(({ name }) => name.startsWith(`${region}-`))
  return Object.fromEntries(
    ofRegion.flatMap(({ json }) =>
      Object.keys(json.output ?? {}).map((name) => [name, { value: `${name}.example` }]),
    ),
  )
}

const example = exampleConfig()
const exampleOutputs = outputsOf(example, 'eu-central-1')

function filesOf(config = example, outputs = exampleOutputs): Map<string, string> {
  const [region] = config.regions
  if (!region) throw new Error('no region')
  return handOver(config, region, outputs, ca)
}

const documents = (text = '') => parseAllDocuments(text).map((one) => one.toJS())

describe('what a region is handed', () => {
  it('REQ-S2: is a MeetingCluster that the operator accepts, made of the outputs of its stacks', () => {
    const files = filesOf()
    const [mc] = documents(files.get('meetingcluster.yaml')) as MeetingCluster[]
    const { spec } = parseMeetingCluster(mc)
    expect(spec).toMatchObject({
      domain: 'eu-central-1.meet.example.com',
      region: 'eu-central-1',
      redis: { mode: 'External', external: { url: 'redis://redis_host.example:6379/0' } },
      store: { mode: 'MySQL', mysql: { secretName: 'mysql' } },
      sfu: { nodeSelector: { 'parley.dev/pool': 'sfu' }, resources: { requests: { cpu: '7' } } },
      turn: { tls: { host: 'turn-eu-central-1.meet.example.com' } },
      cost: { budget: { monthly: '2500' } },
    })
    // Where a region answers for another one, its pages are at the other's name.
    expect(spec.signaling.allowedOrigins).toEqual([
      'https://meet.example.com',
      'https://eu-central-1.meet.example.com',
      'https://us-east-1.meet.example.com',
    ])
    const [binding] = documents(files.get('binding.yaml'))
    expect(binding).toMatchObject({
      spec: { targetGroupARN: 'target_group_arn.example', serviceRef: { name: 'meet-webapp' } },
    })
    const [, mysql] = documents(files.get('secrets.yaml'))
    expect(mysql).toMatchObject({
      spec: {
        target: { name: 'mysql', template: { data: { host: 'mysql_host.example', ca } } },
        dataFrom: [{ extract: { key: 'mysql_secret_arn.example' } }],
      },
    })
    const autoscaler = parse(files.get('values/cluster-autoscaler.yaml') ?? '')
    expect(autoscaler.extraArgs['max-graceful-termination-sec']).toBeGreaterThanOrEqual(4 * 3600)
  })

  it('has a password and TLS for Redis where that is wanted', () => {
    const file = parse(exampleText)
    file.sizes.redis.inTransit = 'required'
    file.regions.length = 1
    const config = loadConfig(stringify(file), 'x.yaml')
    const files = filesOf(config, outputsOf(config, 'eu-central-1'))
    const [mc] = documents(files.get('meetingcluster.yaml')) as MeetingCluster[]
    expect(mc?.spec.redis.external).toEqual({
      url: 'rediss://redis_host.example:6379/0',
      secretName: 'redis',
    })
    expect(documents(files.get('secrets.yaml')).map(({ metadata }) => metadata.name)).toEqual([
      'aws',
      'redis',
      'mysql',
    ])
  })

  it('is byte for byte the same each time', () => {
    expect([...filesOf(exampleConfig())]).toEqual([...filesOf()])
  })

  it('names the stack whose output is missing, and the file without a certificate', () => {
    const { redis_host: _, ...others } = exampleOutputs
    expect(() => filesOf(example, others)).toThrow(
      /eu-central-1: no output redis_host: apply eu-central-1-data/,
    )
    const [region] = example.regions
    expect(() => region && handOver(example, region, others, '')).toThrow(/--ca has no certificate/)
  })
})
