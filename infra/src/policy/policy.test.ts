import { describe, expect, it } from '@jest/globals'
import { type SynthesizedStack, synthesize } from '../synth.ts'
import { developmentConfig, exampleConfig } from '../testing/configs.ts'
import { policies, violationsOf } from './policy.ts'

const config = exampleConfig()
const stacks = synthesize(config)

// biome-ignore lint/suspicious/noExplicitAny: JSON of Terraform, broken on purpose
type Body = any

/** Breaks each resource of a type, and says which policies speak up. */
function brokenBy(break_: (of: (type: string) => Body[], json: Body, name: string) => void) {
  const copies: SynthesizedStack[] = structuredClone(stacks) as SynthesizedStack[]
  for (const { name, json } of copies)
    break_((type) => Object.values(json.resource?.[type] ?? {}), json, name)
  return [...new Set(violationsOf(config, copies).map(({ policy }) => policy))]
}

/** Sets a field, by a path, of each resource of a type. */
const set = (type: string, path: string, value: unknown) => (of: (type: string) => Body[]) => {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  for (const body of of(type)) {
    const target = keys.reduce((at: Body, key) => at?.[key], body)
    if (target === undefined) continue
    if (value === undefined) delete target[last]
    else target[last] = value
  }
}

const without = (type: string) => (_: unknown, json: Body) => {
  delete json.resource?.[type]
}

const everybody = { cidr_ipv4: '0.0.0.0/0', description: 'for a moment only' }

const breaks: Record<string, Parameters<typeof brokenBy>[0]> = {
  'eks-logs': set('aws_eks_cluster', 'enabled_cluster_log_types', ['api']),
  'eks-private-endpoint': set('aws_eks_cluster', 'vpc_config.public_access_cidrs', ['0.0.0.0/0']),
  'eks-secrets': set('aws_eks_cluster', 'encryption_config', undefined),
  'eks-managed-groups': set('aws_eks_cluster', 'compute_config', { enabled: true }),
  'nodes-drain': set('aws_eks_node_group', 'timeouts.update', '1h'),
  'no-spot-for-state': set('aws_eks_node_group', 'capacity_type', 'SPOT'),
  imdsv2: set('aws_launch_template', 'metadata_options.http_tokens', 'optional'),
  'disks-encrypted': set('aws_launch_template', 'block_device_mappings.0.ebs.encrypted', 'false'),
  'addresses-for-media-only': set(
    'aws_launch_template',
    'network_interfaces.0.associate_public_ip_address',
    'true',
  ),
  'media-ports-reserved': set('aws_launch_template', 'user_data', ''),
  'instances-tagged': set('aws_launch_template', 'tag_specifications', []),
  'stacks-tagged': (_, json) => {
    delete json.provider.aws[0].default_tags
  },
  'open-ports': (_, json, name) => {
    if (name === 'eu-central-1-cluster')
      json.resource.aws_vpc_security_group_ingress_rule.ssh = {
        ...{ security_group_id: '$' + '{aws_security_group.sfu-group.id}', ...everybody },
        ...{ ip_protocol: 'tcp', from_port: 22, to_port: 22 },
      }
  },
  'groups-without-inline-rules': set('aws_security_group', 'ingress', [{ from_port: 22 }]),
  'rules-described': set('aws_vpc_security_group_ingress_rule', 'description', undefined),
  'egress-described': set('aws_vpc_security_group_egress_rule', 'description', ''),
  'data-from-nodes-only': (of, _, name) => {
    if (name.endsWith('-data'))
      for (const rule of of('aws_vpc_security_group_ingress_rule')) rule.cidr_ipv4 = '10.0.0.0/8'
  },
  'default-group-closed': without('aws_default_security_group'),
  'flow-logs': without('aws_flow_log'),
  'data-closed': (_, json) => {
    const routes = json.resource?.aws_route
    if (routes)
      routes.data = {
        ...routes['to-internet'],
        route_table_id: '$' + '{aws_route_table.routes-data.id}',
      }
  },
  'mysql-safe': set('aws_db_instance', 'publicly_accessible', true),
  'mysql-kept': set('aws_db_instance', 'deletion_protection', false),
  'mysql-tls': set('aws_db_parameter_group', 'parameter', []),
  'redis-safe': set('aws_elasticache_replication_group', 'at_rest_encryption_enabled', 'false'),
  'data-kept': set('aws_s3_bucket', 'lifecycle', undefined),
  'keys-rotate': set('aws_kms_key', 'enable_key_rotation', false),
  'logs-kept-and-encrypted': set('aws_cloudwatch_log_group', 'kms_key_id', undefined),
  's3-private': without('aws_s3_bucket_public_access_block'),
  's3-versions': without('aws_s3_bucket_versioning'),
  's3-encrypted': without('aws_s3_bucket_server_side_encryption_configuration'),
  's3-tls': without('aws_s3_bucket_policy'),
  's3-lifecycle': without('aws_s3_bucket_lifecycle_configuration'),
  's3-private-whole': set('aws_s3_bucket_public_access_block', 'block_public_policy', false),
  's3-tls-denied': set('aws_s3_bucket_policy', 'policy', '{"Statement":[]}'),
  'cdn-tls': set(
    'aws_cloudfront_distribution',
    'default_cache_behavior.viewer_protocol_policy',
    'allow-all',
  ),
  'cdn-logs': set('aws_cloudfront_distribution', 'logging_config', undefined),
  'balancer-tls-only': (_, json) => {
    const listeners = json.resource?.aws_lb_listener
    if (listeners) listeners.turn = { port: 3478, protocol: 'UDP' }
  },
  'balancer-logs': set('aws_lb', 'access_logs', undefined),
  'balancer-kept': set('aws_lb', 'enable_deletion_protection', false),
  'least-rights': (of) => {
    for (const role of of('aws_iam_role_policy'))
      role.policy = JSON.stringify({ Statement: [{ Action: ['s3:*'], Resource: ['*'] }] })
  },
  'known-policies': set(
    'aws_iam_role_policy_attachment',
    'policy_arn',
    'arn:aws:iam::aws:policy/AdministratorAccess',
  ),
  'known-types': (_, json) => {
    json.resource.aws_security_group_rule = { ssh: { cidr_blocks: ['0.0.0.0/0'] } }
  },
  'state-safe': (_, json) => {
    if (json.terraform.backend.s3) json.terraform.backend.s3.encrypt = false
  },
  'provider-source': (_, json) => {
    json.terraform.required_providers.aws.source = 'aws'
  },
}

describe('the policies', () => {
  it('REQ-S2: are kept by both examples', () => {
    expect(violationsOf(config, stacks)).toEqual([])
    const development = developmentConfig()
    expect(violationsOf(development, synthesize(development))).toEqual([])
  })

  it('are each broken by a test below', () => {
    expect(Object.keys(breaks).toSorted()).toEqual(policies.map(({ id }) => id).toSorted())
  })

  it.each(Object.entries(breaks))('%s speaks up where it is broken', (policy, break_) => {
    expect(brokenBy(break_)).toContain(policy)
  })

  it.each([
    [
      { Action: ['route53:ChangeResourceRecordSets'], Resource: ['*'] },
      'route53:ChangeResourceRecordSets is allowed on *: narrow it',
    ],
    [
      { Action: 'secretsmanager:GetSecretValue', Resource: '*' },
      'secretsmanager:GetSecretValue is allowed on *: narrow it',
    ],
    [{ NotAction: 'iam:*', Resource: 'arn:x' }, '* is allowed on arn:x: narrow it'],
  ])('REQ-S2: a right of a pod names what it is for: %j', (statement, message) => {
    const copies = structuredClone(stacks) as SynthesizedStack[]
    const addons = copies.find(({ name }) => name === 'eu-central-1-addons')
    const roles = addons?.json.resource?.aws_iam_role_policy as Body
    roles['external-dns-policy'].policy = JSON.stringify({ Statement: [statement] })
    expect(violationsOf(config, copies)).toEqual([
      {
        policy: 'least-rights',
        where: 'eu-central-1-addons: aws_iam_role_policy.external-dns-policy',
        message,
      },
    ])
  })

  it.each([
    { cidr_ipv4: '8.0.0.0/6' },
    { cidr_ipv4: '10.0.0.0/7' },
    { cidr_ipv6: '2000::/3' },
    { prefix_list_id: 'pl-1' },
  ])('REQ-S2: part of the internet is the internet: %j', (from) => {
    const ssh = (_: unknown, json: Body, name: string) => {
      if (name === 'eu-central-1-cluster')
        json.resource.aws_vpc_security_group_ingress_rule.ssh = {
          ...{ security_group_id: '$' + '{aws_security_group.sfu-group.id}', ...from },
          ...{ ip_protocol: 'tcp', from_port: 22, to_port: 22, description: 'for a moment' },
        }
    }
    expect(brokenBy(ssh)).toEqual(['open-ports'])
  })
})
