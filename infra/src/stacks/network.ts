import { WEBAPP_PORT } from '@parley/operator/render'
import {
  CloudwatchLogGroup,
  type Construct,
  DataAwsCallerIdentity,
  DataAwsRoute53Zone,
  DefaultSecurityGroup,
  Eip,
  FlowLog,
  InternetGateway,
  KmsAlias,
  KmsKey,
  Lb,
  LbListener,
  LbTargetGroup,
  NatGateway,
  Route,
  RouteTable,
  RouteTableAssociation,
  SecurityGroup,
  Subnet,
  Vpc,
  VpcEndpoint,
  VpcSecurityGroupEgressRule,
  VpcSecurityGroupIngressRule,
} from '../aws.ts'
import type { RegionConfig } from '../config/load.ts'
import { privateBucket } from './bucket.ts'
import { certificateFor } from './certificate.ts'
import type { DnsStack } from './dns.ts'
import { serviceRole } from './iam.ts'
import { ParleyStack, type StackOptions } from './stack.ts'

/** HTTPS, where people come in. */
export const WEB_PORT = 443

/**
 * One region's network: three zones, each with a public subnet (media nodes, the load balancer), a
 * private one (all other nodes and pods) and one for data, which reaches nothing outside; its
 * encryption key; and the load balancer of web page and signaling. Media never go through that:
 * it has a listener for each port, and fifty at most.
 */
export class NetworkStack extends ParleyStack {
  readonly vpc: Vpc
  readonly key: KmsKey
  readonly publicSubnets: Subnet[]
  readonly privateSubnets: Subnet[]
  readonly dataSubnets: Subnet[]
  readonly balancer: Lb
  readonly balancerGroup: SecurityGroup
  readonly targets: LbTargetGroup
  readonly zoneId: string
  readonly #accountId: string

  constructor(scope: Construct, region: RegionConfig, dns: DnsStack, options: StackOptions) {
    super(scope, `${region.region}-network`, options)
    // The record by which certificates of the domain prove themselves is there once, for all regions.
    this.addDependency(dns)
    this.#accountId = new DataAwsCallerIdentity(this, 'account', {}).accountId
    this.key = this.#encryptionKey()
    this.vpc = new Vpc(this, 'vpc', {
      cidrBlock: region.cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: this.tags('network'),
    })
    // The group that AWS makes and everything without a group gets: without rules.
    new DefaultSecurityGroup(this, 'default-security-group', {
      vpcId: this.vpc.id,
      tags: this.tags('network', `${this.prefix}-default`),
    })
    const subnetsOf = (kind: 'public' | 'private' | 'data', tags: Record<string, string> = {}) =>
      region.subnets[kind].map(
        (cidrBlock, index) =>
          new Subnet(this, `${kind}-${index + 1}`, {
            vpcId: this.vpc.id,
            cidrBlock,
            availabilityZone: region.zones[index] ?? '',
            // EKS takes no managed nodes into a public subnet without it.
            mapPublicIpOnLaunch: kind === 'public',
            tags: { ...this.tags('network', `${this.prefix}-${kind}-${index + 1}`), ...tags },
          }),
      )
    this.publicSubnets = subnetsOf('public', { 'kubernetes.io/role/elb': '1' })
    this.privateSubnets = subnetsOf('private', { 'kubernetes.io/role/internal-elb': '1' })
    this.dataSubnets = subnetsOf('data')
    this.#routes(region)
    this.#flowLogs()

    const zone = new DataAwsRoute53Zone(this, 'zone', { name: this.config.zone })
    this.zoneId = zone.zoneId
    this.balancerGroup = this.#balancerGroup(region)
    const balancer = this.#balancer()
    this.balancer = balancer.lb
    this.targets = balancer.targets

    this.output('region', region.region, 'Region of this network')
    this.output('vpc_id', this.vpc.id, 'Network of the region')
    this.output('target_group_arn', this.targets.arn, 'Where the web page is bound to')
    this.output('balancer_dns_name', this.balancer.dnsName, 'Address of web page and signaling')
  }

  #encryptionKey(): KmsKey {
    const { region } = this.options
    const accountId = this.#accountId
    const key = new KmsKey(this, 'key', {
      description: `Data, Secrets and logs of ${this.prefix}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
      policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'Account',
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${accountId}:root` },
            Action: 'kms:*',
            Resource: '*',
          },
          {
            Sid: 'Logs',
            Effect: 'Allow',
            Principal: { Service: `logs.${region}.amazonaws.com` },
            Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
            Resource: '*',
            Condition: {
              ArnLike: {
                'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${accountId}:log-group:*`,
              },
            },
          },
        ],
      }),
      tags: this.tags('encryption'),
      lifecycle: this.keepsData,
    })
    new KmsAlias(this, 'key-alias', { name: `alias/${this.prefix}`, targetKeyId: key.keyId })
    return key
  }

  #routes({ sizes }: RegionConfig): void {
    const internet = new InternetGateway(this, 'internet', {
      vpcId: this.vpc.id,
      tags: this.tags('network', `${this.prefix}-internet`),
    })
    const table = (id: string) =>
      new RouteTable(this, `routes-${id}`, {
        vpcId: this.vpc.id,
        tags: this.tags('network', `${this.prefix}-${id}`),
      })
    const outwards = table('public')
    new Route(this, 'to-internet', {
      routeTableId: outwards.id,
      destinationCidrBlock: '0.0.0.0/0',
      gatewayId: internet.id,
    })
    const nats = this.publicSubnets
      .slice(0, sizes.nat === 'single' ? 1 : this.publicSubnets.length)
      .map((subnet, index) => {
        const address = new Eip(this, `nat-address-${index + 1}`, {
          domain: 'vpc',
          tags: this.tags('nat', `${this.prefix}-nat-${index + 1}`),
        })
        return new NatGateway(this, `nat-${index + 1}`, {
          allocationId: address.id,
          subnetId: subnet.id,
          tags: this.tags('nat', `${this.prefix}-nat-${index + 1}`),
          dependsOn: [internet],
        })
      })
    const inside = this.privateSubnets.map((subnet, index) => {
      const routes = table(`private-${index + 1}`)
      new Route(this, `to-nat-${index + 1}`, {
        routeTableId: routes.id,
        destinationCidrBlock: '0.0.0.0/0',
        natGatewayId: (nats[index] ?? nats[0])?.id ?? '',
      })
      new RouteTableAssociation(this, `private-routes-${index + 1}`, {
        subnetId: subnet.id,
        routeTableId: routes.id,
      })
      return routes
    })
    this.publicSubnets.forEach((subnet, index) => {
      new RouteTableAssociation(this, `public-routes-${index + 1}`, {
        subnetId: subnet.id,
        routeTableId: outwards.id,
      })
    })
    const closed = table('data')
    this.dataSubnets.forEach((subnet, index) => {
      new RouteTableAssociation(this, `data-routes-${index + 1}`, {
        subnetId: subnet.id,
        routeTableId: closed.id,
      })
    })
    // Layers of images come from S3: by this way they pay no NAT gateway.
    new VpcEndpoint(this, 's3', {
      vpcId: this.vpc.id,
      serviceName: `com.amazonaws.${this.options.region}.s3`,
      vpcEndpointType: 'Gateway',
      routeTableIds: [outwards.id, ...inside.map(({ id }) => id)],
      tags: this.tags('network', `${this.prefix}-s3`),
    })
  }

  #flowLogs(): void {
    const group = new CloudwatchLogGroup(this, 'flow-logs', {
      name: `/parley/${this.prefix}/flows`,
      retentionInDays: logDays(this.config.retention.logDays),
      kmsKeyId: this.key.arn,
      tags: this.tags('network', `${this.prefix}-flows`),
    })
    const role = serviceRole(this, 'flow-logs', {
      service: 'vpc-flow-logs.amazonaws.com',
      statements: [
        {
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
          resources: [`${group.arn}:*`],
        },
      ],
    })
    // Rejected only: each packet of a call would be a line else.
    new FlowLog(this, 'flows', {
      vpcId: this.vpc.id,
      trafficType: 'REJECT',
      logDestinationType: 'cloud-watch-logs',
      logDestination: group.arn,
      iamRoleArn: role.arn,
      tags: this.tags('network', `${this.prefix}-flows`),
    })
  }

  #balancerGroup({ cidr }: RegionConfig): SecurityGroup {
    const group = new SecurityGroup(this, 'balancer-group', {
      name: `${this.prefix}-balancer`,
      description: 'Load balancer of web page and signaling',
      vpcId: this.vpc.id,
      tags: this.tags('balancer'),
    })
    new VpcSecurityGroupIngressRule(this, 'balancer-from-all', {
      securityGroupId: group.id,
      description: 'HTTPS from everybody',
      ...{ ipProtocol: 'tcp', fromPort: WEB_PORT, toPort: WEB_PORT, cidrIpv4: '0.0.0.0/0' },
      tags: this.tags('balancer', `${this.prefix}-https`),
    })
    new VpcSecurityGroupEgressRule(this, 'balancer-to-pods', {
      securityGroupId: group.id,
      description: 'To the pods of the web page',
      ...{ ipProtocol: 'tcp', fromPort: WEBAPP_PORT, toPort: WEBAPP_PORT, cidrIpv4: cidr },
      tags: this.tags('balancer', `${this.prefix}-to-pods`),
    })
    return group
  }

  #balancer(): { lb: Lb; targets: LbTargetGroup } {
    const { name, domain, retention, state } = this.config
    const bucket = `${state.bucket}-${this.prefix}-lb`
    const accountId = this.#accountId
    const logs = privateBucket(this, 'balancer-logs', {
      bucket,
      component: 'balancer',
      expireDays: retention.logDays,
      statements: (arn) => [
        {
          Sid: 'BalancerLogs',
          Effect: 'Allow',
          Principal: { Service: 'delivery.logs.amazonaws.com' },
          Action: 's3:PutObject',
          Resource: `${arn}/AWSLogs/${accountId}/*`,
          Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
        },
        {
          Sid: 'BalancerLogsCheck',
          Effect: 'Allow',
          Principal: { Service: 'delivery.logs.amazonaws.com' },
          Action: 's3:GetBucketAcl',
          Resource: arn,
        },
      ],
    })
    const certificate = certificateFor(this, domain).arn
    const lb = new Lb(this, 'balancer', {
      // Names of load balancers have 32 characters at most, and are a region's own.
      name,
      loadBalancerType: 'network',
      internal: false,
      subnets: this.publicSubnets.map(({ id }) => id),
      securityGroups: [this.balancerGroup.id],
      enableDeletionProtection: !this.options.allowDataLoss,
      enableCrossZoneLoadBalancing: true,
      accessLogs: { bucket: logs.id, enabled: true },
      tags: this.tags('balancer'),
    })
    const targets = new LbTargetGroup(this, 'web', {
      name: `${name}-web`,
      targetType: 'ip',
      protocol: 'TCP',
      port: WEBAPP_PORT,
      vpcId: this.vpc.id,
      preserveClientIp: 'false',
      // Sockets are handed over within the drain time of signaling, 60 s.
      deregistrationDelay: '60',
      healthCheck: { protocol: 'HTTP', path: '/healthz', interval: 10, healthyThreshold: 2 },
      tags: this.tags('balancer', `${this.prefix}-web`),
    })
    new LbListener(this, 'https', {
      loadBalancerArn: lb.arn,
      port: WEB_PORT,
      protocol: 'TLS',
      sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      certificateArn: certificate,
      defaultAction: [{ type: 'forward', targetGroupArn: targets.arn }],
      tags: this.tags('balancer', `${this.prefix}-https`),
    })
    return { lb, targets }
  }
}

/** The retentions that CloudWatch knows, up to the next longer one. */
export function logDays(wanted: number): number {
  const known = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]
  return known.find((days) => days >= wanted) ?? 3653
}
