import { durationSeconds } from '@parley/operator/api'
import { isPrivate, parseCidr } from '../config/cidr.ts'
import type { InfraConfig } from '../config/load.ts'
import { mediaPortsOf } from '../config/media-ports.ts'
import { WEB_PORT } from '../stacks/network.ts'
import { sysctlLines } from '../stacks/node-user-data.ts'
import { COST_TAGS } from '../stacks/stack.ts'
import type { StackJson, SynthesizedStack } from '../synth.ts'

type Body = Record<string, unknown>
type Resource = { stack: string; type: string; name: string; body: Body }

export type Violation = { policy: string; where: string; message: string }

type Policy = {
  id: string
  says: string
  /** About protection from deletion, which a teardown takes away. */
  protects?: true
  /** A message for each resource that breaks it. */
  check: (world: World) => { at: Resource | string; message: string }[]
}

type World = {
  config: InfraConfig
  stacks: readonly SynthesizedStack[]
  of: (type: string) => Resource[]
}

/** What the synthesized stacks break of {@link policies}; nothing where all is well. */
export function violationsOf(
  config: InfraConfig,
  stacks: readonly SynthesizedStack[],
): Violation[] {
  const resources = stacks.flatMap(({ name: stack, json }) => resourcesOf(stack, json))
  const of = (type: string) => resources.filter((resource) => resource.type === type)
  return policies.flatMap(({ id, check }) =>
    check({ config, stacks, of }).map(({ at, message }) => ({
      policy: id,
      where: typeof at === 'string' ? at : `${at.stack}: ${at.type}.${at.name}`,
      message,
    })),
  )
}

function resourcesOf(stack: string, { resource = {} }: StackJson): Resource[] {
  return Object.entries(resource).flatMap(([type, ofType]) =>
    Object.entries(ofType).map(([name, body]) => ({ stack, type, name, body })),
  )
}

/** A policy that wants something of each resource of a type. */
function each(
  type: string,
  id: string,
  says: string,
  holds: (body: Body, world: World, resource: Resource) => boolean,
): Policy {
  return {
    id,
    says,
    check: (world) =>
      world
        .of(type)
        .filter((resource) => !holds(resource.body, world, resource))
        .map((at) => ({ at, message: says })),
  }
}

/** A policy that wants a companion of each resource of a type. */
function withEach(type: string, companion: string, id: string, says: string, by: string): Policy {
  return {
    id,
    says,
    check: ({ of }) =>
      of(type)
        .filter(
          (resource) =>
            !of(companion).some(
              ({ stack, body }) =>
                stack === resource.stack &&
                String(body[by]).startsWith(`\${${resource.type}.${resource.name}.`),
            ),
        )
        .map((at) => ({ at, message: says })),
  }
}

const LOG_TYPES = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler']
/** What holds data, or opens it. */
export const DATA_TYPES = [
  'aws_db_instance',
  'aws_elasticache_replication_group',
  'aws_s3_bucket',
  'aws_kms_key',
  'aws_secretsmanager_secret',
  'aws_eks_cluster',
] as const

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const first = (value: unknown): Body => ((Array.isArray(value) ? value[0] : value) ?? {}) as Body
const isTrue = (value: unknown) => value === true || value === 'true'

/** Every rule that the stacks keep, in the words of the error. */
export const policies: readonly Policy[] = [
  each('aws_eks_cluster', 'eks-logs', 'the control plane logs all of its five kinds', (body) =>
    LOG_TYPES.every((type) => list(body.enabled_cluster_log_types).includes(type)),
  ),
  each(
    'aws_eks_cluster',
    'eks-private-endpoint',
    'the API server is reached from inside, and from outside by named networks only',
    ({ vpc_config }) => {
      const { endpoint_private_access, endpoint_public_access, public_access_cidrs } =
        first(vpc_config)
      const cidrs = list(public_access_cidrs)
      const named = cidrs.length > 0 && !cidrs.includes('0.0.0.0/0')
      return isTrue(endpoint_private_access) && (!isTrue(endpoint_public_access) || named)
    },
  ),
  each(
    'aws_eks_cluster',
    'eks-secrets',
    'Secrets are encrypted with a key of the region',
    ({ encryption_config }) => {
      const { resources, provider } = first(encryption_config)
      return list(resources).includes('secrets') && Boolean(first(provider).key_arn)
    },
  ),
  each(
    'aws_eks_cluster',
    'eks-managed-groups',
    'no Auto Mode, which replaces nodes with calls on them',
    ({ compute_config }) => compute_config === undefined,
  ),
  each(
    'aws_eks_node_group',
    'nodes-drain',
    'pods are not forced off a node, and an update waits longer than a drain',
    (body, { config }, { stack }) => {
      const { force_update_version, timeouts } = body
      const region = config.regions.find((one) => stack === `${one.region}-cluster`)
      const pool = (body.labels as Body | undefined)?.['parley.dev/pool']
      const drain =
        region && (pool === 'sfu' || pool === 'turn')
          ? durationSeconds(region.meetingCluster[pool].drainTimeout) / 3600
          : 0
      return (
        !isTrue(force_update_version) &&
        Number.parseInt(String(first(timeouts).update), 10) > drain &&
        first(body.update_config).max_unavailable === 1
      )
    },
  ),
  each(
    'aws_eks_node_group',
    'no-spot-for-state',
    'system nodes, and in production media nodes, are not spot',
    ({ capacity_type, labels }, { config }) => {
      if (capacity_type !== 'SPOT') return true
      const pool = String((labels as Body)['parley.dev/pool'])
      return pool === 'web' || (pool !== 'system' && config.environment === 'development')
    },
  ),
  each(
    'aws_launch_template',
    'imdsv2',
    'the metadata service wants a session (IMDSv2), one hop away',
    ({ metadata_options }) => {
      const { http_tokens, http_put_response_hop_limit } = first(metadata_options)
      return http_tokens === 'required' && http_put_response_hop_limit === 1
    },
  ),
  each(
    'aws_launch_template',
    'disks-encrypted',
    'disks of nodes are encrypted',
    ({ block_device_mappings }) => {
      const disks = list(block_device_mappings).map((disk) => first((disk as Body).ebs))
      return disks.length > 0 && disks.every(({ encrypted }) => isTrue(encrypted))
    },
  ),
  each(
    'aws_launch_template',
    'addresses-for-media-only',
    'media nodes have a public address, and no others do',
    ({ network_interfaces }, _, { name }) => {
      const isMedia = name === 'sfu-template' || name === 'turn-template'
      return isTrue(first(network_interfaces).associate_public_ip_address) === isMedia
    },
  ),
  each(
    'aws_launch_template',
    'media-ports-reserved',
    'the kernel of media nodes takes none of the media ports for itself',
    ({ user_data }, { config }, { stack, name }) => {
      if (name !== 'sfu-template' && name !== 'turn-template') return true
      const region = config.regions.find((one) => stack === `${one.region}-cluster`)
      const text = Buffer.from(String(user_data), 'base64').toString()
      return region !== undefined && text.includes(sysctlLines(mediaPortsOf(region.meetingCluster)))
    },
  ),
  each(
    'aws_launch_template',
    'instances-tagged',
    'instances, disks and interfaces carry the tags of the bill',
    ({ tag_specifications }) =>
      ['instance', 'volume', 'network-interface'].every((wanted) => {
        const found = list(tag_specifications).find(
          (one) => (one as Body).resource_type === wanted,
        ) as { tags: Body } | undefined
        return found !== undefined && Object.values(COST_TAGS).every((tag) => tag in found.tags)
      }),
  ),
  {
    id: 'stacks-tagged',
    says: 'all resources of a stack carry the tags of the bill, by the dimensions of the report',
    check: ({ stacks, config }) =>
      stacks.flatMap(({ name, json }) => {
        const [{ region, default_tags = [] } = { region: '' }] = json.provider.aws
        const tags = default_tags[0]?.tags ?? {}
        const wanted = {
          [COST_TAGS.cluster]: config.name,
          [COST_TAGS.region]: region,
          [COST_TAGS.environment]: config.environment,
        }
        return Object.entries(wanted)
          .filter(([key, value]) => tags[key] !== value)
          .map(([key]) => ({ at: name, message: `default_tags lack ${key}` }))
      }),
  },
  {
    id: 'open-ports',
    says: 'the internet reaches exactly HTTPS, TURN and media ports',
    check: ({ config, stacks, of }) =>
      config.regions.flatMap(({ region, meetingCluster }) => {
        const { sfu, turn } = mediaPortsOf(meetingCluster)
        const open = (at: string, ports: { protocol: string; from: number; to: number }[]) =>
          ports.map(({ protocol, from, to }) => `${at} ${protocol} ${from}-${to}`)
        const wanted = [
          ...open('balancer-group', [{ protocol: 'tcp', from: WEB_PORT, to: WEB_PORT }]),
          ...open('sfu-group', sfu),
          ...open('turn-group', turn),
        ].toSorted()
        const names = stacks.map(({ name }) => name).filter((name) => name.startsWith(`${region}-`))
        const found = of('aws_vpc_security_group_ingress_rule')
          .filter(({ stack, body }) => names.includes(stack) && isFromOutside(body))
          .map(({ body }) => {
            const group = /aws_security_group\.([\w-]+)\./.exec(String(body.security_group_id))?.[1]
            const ports = `${group} ${body.ip_protocol} ${body.from_port}-${body.to_port}`
            return body.cidr_ipv4 === EVERYBODY ? ports : `${ports} from ${body.cidr_ipv4}`
          })
          .toSorted()
        return JSON.stringify(found) === JSON.stringify(wanted)
          ? []
          : [
              {
                at: region,
                message: `open are ${found.join(', ')}; it must be ${wanted.join(', ')}`,
              },
            ]
      }),
  },
  each(
    'aws_security_group',
    'groups-without-inline-rules',
    'rules of a security group are resources of their own, and the group says what it is for',
    ({ ingress, egress, description }) => !ingress && !egress && isText(description),
  ),
  each(
    'aws_vpc_security_group_ingress_rule',
    'rules-described',
    'every rule of a security group says what it is for',
    ({ description }) => isText(description),
  ),
  each(
    'aws_vpc_security_group_egress_rule',
    'egress-described',
    'every rule outwards says what it is for',
    ({ description }) => isText(description),
  ),
  {
    id: 'data-from-nodes-only',
    says: 'Redis and MySQL are reached by a security group, never by a network',
    check: ({ of }) =>
      of('aws_vpc_security_group_ingress_rule')
        .filter(
          ({ stack, body }) =>
            stack.endsWith('-data') && (!body.referenced_security_group_id || body.cidr_ipv4),
        )
        .map((at) => ({ at, message: 'name a security group, not a network' })),
  },
  each(
    'aws_vpc',
    'default-group-closed',
    'the network’s default security group has no rules',
    (_, { of }, { stack }) =>
      of('aws_default_security_group').some(
        (group) => group.stack === stack && !group.body.ingress && !group.body.egress,
      ),
  ),
  withEach('aws_vpc', 'aws_flow_log', 'flow-logs', 'each network has flow logs', 'vpc_id'),
  each(
    'aws_route',
    'data-closed',
    'subnets for data have no way to the internet',
    ({ route_table_id }) => !String(route_table_id).includes('aws_route_table.routes-data.'),
  ),
  each(
    'aws_db_instance',
    'mysql-safe',
    'MySQL is private, encrypted, backed up, and not deleted without a snapshot',
    (body) =>
      isTrue(body.storage_encrypted) &&
      Boolean(body.kms_key_id) &&
      body.publicly_accessible === false &&
      Number(body.backup_retention_period) > 0 &&
      body.skip_final_snapshot === false &&
      isTrue(body.copy_tags_to_snapshot) &&
      isTrue(body.manage_master_user_password) &&
      body.password === undefined,
  ),
  {
    ...each('aws_db_instance', 'mysql-kept', 'MySQL cannot be deleted', ({ deletion_protection }) =>
      isTrue(deletion_protection),
    ),
    protects: true,
  },
  each('aws_db_parameter_group', 'mysql-tls', 'MySQL answers over TLS only', ({ parameter }) =>
    list(parameter).some((one) => {
      const { name, value } = one as Body
      return name === 'require_secure_transport' && value === '1'
    }),
  ),
  each(
    'aws_elasticache_replication_group',
    'redis-safe',
    'Redis is encrypted at rest and on its way, and backed up',
    (body) =>
      isTrue(body.at_rest_encryption_enabled) &&
      isTrue(body.transit_encryption_enabled) &&
      Number(body.snapshot_retention_limit) > 0,
  ),
  {
    id: 'data-kept',
    protects: true,
    says: 'what holds data is not destroyed by a plan (prevent_destroy)',
    check: ({ of }) =>
      DATA_TYPES.flatMap((type) => of(type))
        .filter(({ body }) => !isTrue(first(body.lifecycle).prevent_destroy))
        .map((at) => ({ at, message: 'lacks lifecycle.prevent_destroy' })),
  },
  each('aws_kms_key', 'keys-rotate', 'keys rotate', ({ enable_key_rotation }) =>
    isTrue(enable_key_rotation),
  ),
  each(
    'aws_cloudwatch_log_group',
    'logs-kept-and-encrypted',
    'logs have an end and are encrypted',
    ({ retention_in_days, kms_key_id }) => Number(retention_in_days) > 0 && Boolean(kms_key_id),
  ),
  ...(
    [
      ['aws_s3_bucket_public_access_block', 's3-private', 'buckets are closed to the public'],
      ['aws_s3_bucket_versioning', 's3-versions', 'buckets keep versions'],
      [
        'aws_s3_bucket_server_side_encryption_configuration',
        's3-encrypted',
        'buckets are encrypted',
      ],
      ['aws_s3_bucket_policy', 's3-tls', 'buckets answer over TLS only'],
      ['aws_s3_bucket_lifecycle_configuration', 's3-lifecycle', 'old versions go'],
    ] as const
  ).map(([companion, id, says]) => withEach('aws_s3_bucket', companion, id, says, 'bucket')),
  each(
    'aws_s3_bucket_public_access_block',
    's3-private-whole',
    'all four ways to the public are closed',
    (body) =>
      [
        'block_public_acls',
        'block_public_policy',
        'ignore_public_acls',
        'restrict_public_buckets',
      ].every((field) => isTrue(body[field])),
  ),
  each(
    'aws_s3_bucket_policy',
    's3-tls-denied',
    'a bucket’s policy denies what comes without TLS',
    ({ policy }) => String(policy).includes('"aws:SecureTransport":"false"'),
  ),
  each(
    'aws_cloudfront_distribution',
    'cdn-tls',
    'the CDN speaks TLS 1.2 or newer, and redirects what does not',
    ({ viewer_certificate, default_cache_behavior, ordered_cache_behavior, origin }) =>
      first(viewer_certificate).minimum_protocol_version === 'TLSv1.2_2021' &&
      [first(default_cache_behavior), ...list(ordered_cache_behavior)].every(
        (behaviour) => (behaviour as Body).viewer_protocol_policy === 'redirect-to-https',
      ) &&
      list(origin).every((one) => {
        const { custom_origin_config } = one as Body
        return (
          !custom_origin_config ||
          first(custom_origin_config).origin_protocol_policy === 'https-only'
        )
      }),
  ),
  each('aws_cloudfront_distribution', 'cdn-logs', 'the CDN keeps logs', ({ logging_config }) =>
    Boolean(first(logging_config).bucket),
  ),
  each(
    'aws_lb_listener',
    'balancer-tls-only',
    'the load balancer has HTTPS alone: media never go through it',
    ({ port, protocol, ssl_policy }) =>
      port === WEB_PORT && protocol === 'TLS' && String(ssl_policy).includes('TLS13'),
  ),
  each('aws_lb', 'balancer-logs', 'the load balancer keeps logs', ({ access_logs }) =>
    isTrue(first(access_logs).enabled),
  ),
  {
    ...each(
      'aws_lb',
      'balancer-kept',
      'the load balancer cannot be deleted',
      ({ enable_deletion_protection }) => isTrue(enable_deletion_protection),
    ),
    protects: true,
  },
  {
    id: 'least-rights',
    says: 'no role may do everything: no wildcard actions, and all resources only for what lists',
    check: ({ of }) =>
      of('aws_iam_role_policy').flatMap((at) =>
        statementsOf(at.body.policy).flatMap(({ actions, resources }) => {
          const everything = actions.filter((action) => action.includes('*'))
          const wide = resources.includes('*') ? actions.filter((action) => !lists(action)) : []
          return [...everything, ...wide].map((action) => ({
            at,
            message: `${action} is allowed on ${resources.join(', ')}: narrow it`,
          }))
        }),
      ),
  },
  each(
    'aws_iam_role_policy_attachment',
    'known-policies',
    'roles have those policies of AWS only that EKS and RDS want',
    ({ policy_arn }) =>
      MANAGED_POLICIES.some((name) => policy_arn === `arn:aws:iam::aws:policy/${name}`),
  ),
  {
    id: 'known-types',
    says: 'rights and open ports are written in those resources only that are read above',
    check: ({ of }) =>
      UNREAD_TYPES.flatMap((type) => of(type)).map((at) => ({
        at,
        message: `the policies do not read ${at.type}: use what the other stacks use`,
      })),
  },
  {
    id: 'state-safe',
    says: 'state is encrypted and locked',
    check: ({ stacks }) =>
      stacks
        .filter(({ name, json }) => {
          const { s3 } = json.terraform.backend
          return name !== 'bootstrap' && !(isTrue(s3?.encrypt) && isTrue(s3?.use_lockfile))
        })
        .map(({ name }) => ({ at: name, message: 'its state is not encrypted, or has no lock' })),
  },
  {
    id: 'provider-source',
    says: 'the provider is hashicorp/aws',
    check: ({ stacks }) =>
      stacks
        .filter(({ json }) => json.terraform.required_providers.aws?.source !== 'hashicorp/aws')
        .map(({ name }) => ({ at: name, message: 'another provider' })),
  },
]

const EVERYBODY = '0.0.0.0/0'

const MANAGED_POLICIES = [
  ...['AmazonEKSClusterPolicy', 'AmazonEKSWorkerNodePolicy', 'AmazonEKS_CNI_Policy'],
  ...['AmazonEC2ContainerRegistryPullOnly', 'service-role/AmazonEBSCSIDriverPolicy'],
  'service-role/AmazonRDSEnhancedMonitoringRole',
]

/** Other ways to say what a policy looks for elsewhere. */
const UNREAD_TYPES = [
  ...['aws_security_group_rule', 'aws_iam_policy', 'aws_iam_user', 'aws_iam_user_policy'],
  ...['aws_iam_group_policy', 'aws_iam_policy_attachment', 'aws_iam_access_key'],
]

type PolicyStatement = { actions: string[]; resources: string[] }

/** What a policy allows; what it allows by what it leaves out is everything. */
function statementsOf(policy: unknown): PolicyStatement[] {
  const { Statement } = JSON.parse(String(policy)) as { Statement: Body | Body[] }
  return [Statement]
    .flat()
    .filter(({ Effect }) => Effect !== 'Deny')
    .map(({ Action = '*', Resource = '*' }) => ({
      actions: [Action].flat().map(String),
      resources: [Resource].flat().map(String),
    }))
}

/** Actions that take no resource and give away nothing but what there is. */
function lists(action: string): boolean {
  return (
    /:(Describe|List)/.test(action) || action === 'ec2:GetInstanceTypesFromInstanceRequirements'
  )
}

/** Whether a rule lets in more than private networks and security groups. */
function isFromOutside({ cidr_ipv4, cidr_ipv6, prefix_list_id }: Body): boolean {
  if (cidr_ipv6 || prefix_list_id) return true
  if (!cidr_ipv4) return false
  const network = parseCidr(String(cidr_ipv4))
  return !network || !isPrivate(network)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 5
}
