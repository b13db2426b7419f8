import { durationSeconds } from '@parley/operator/api'
import { WEBAPP_PORT } from '@parley/operator/render'
import {
  CloudwatchLogGroup,
  type Construct,
  EksCluster,
  EksNodeGroup,
  type IamRole,
  LaunchTemplate,
  SecurityGroup,
  VpcSecurityGroupIngressRule,
} from '../aws.ts'
import type { RegionConfig } from '../config/load.ts'
import { mediaPortsOf, type OpenPort } from '../config/media-ports.ts'
import { POOLS, type PoolName } from '../config/schema.ts'
import { serviceRole } from './iam.ts'
import { logDays, type NetworkStack } from './network.ts'
import { nodeUserData } from './node-user-data.ts'
import { ParleyStack, type StackOptions } from './stack.ts'

/**
 * One region's Kubernetes: EKS, and managed node groups for four pools. `sfu` and `turn` are in the
 * public subnets, with an address of their own each and their media ports open; `system` and `web` are
 * reached by nobody. Managed groups and not EKS Auto Mode, which replaces nodes within 21 days
 * whatever runs there.
 */
export class ClusterStack extends ParleyStack {
  readonly cluster: EksCluster
  /** The group that EKS makes: nodes and control plane among themselves. */
  readonly nodeGroupId: string

  constructor(
    scope: Construct,
    region: RegionConfig,
    network: NetworkStack,
    options: StackOptions,
  ) {
    super(scope, `${region.region}-cluster`, options)
    this.cluster = this.#controlPlane(network)
    this.nodeGroupId = this.cluster.vpcConfig.clusterSecurityGroupId
    new VpcSecurityGroupIngressRule(this, 'web-from-balancer', {
      securityGroupId: this.nodeGroupId,
      description: 'Web page and signaling, from the load balancer',
      ...{ ipProtocol: 'tcp', fromPort: WEBAPP_PORT, toPort: WEBAPP_PORT },
      referencedSecurityGroupId: network.balancerGroup.id,
      tags: this.tags('web', `${this.prefix}-web-from-balancer`),
    })
    this.#pools(region, network)
    this.output('cluster_name', this.cluster.name, 'Name for aws eks update-kubeconfig')
    this.output('kubernetes_version', this.config.kubernetes, 'Version of Kubernetes')
  }

  #controlPlane(network: NetworkStack): EksCluster {
    const { administrators, kubernetes, serviceCidr, retention } = this.config
    const role = serviceRole(this, 'control-plane', {
      service: 'eks.amazonaws.com',
      managed: ['AmazonEKSClusterPolicy'],
    })
    const logs = new CloudwatchLogGroup(this, 'control-plane-logs', {
      name: `/aws/eks/${this.prefix}/cluster`,
      retentionInDays: logDays(retention.logDays),
      kmsKeyId: network.key.arn,
      tags: this.tags('control-plane', `${this.prefix}-control-plane-logs`),
    })
    return new EksCluster(this, 'kubernetes', {
      name: this.prefix,
      version: kubernetes,
      roleArn: role.arn,
      enabledClusterLogTypes: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'],
      accessConfig: {
        authenticationMode: 'API',
        bootstrapClusterCreatorAdminPermissions: true,
      },
      encryptionConfig: { resources: ['secrets'], provider: { keyArn: network.key.arn } },
      kubernetesNetworkConfig: { serviceIpv4Cidr: serviceCidr },
      upgradePolicy: { supportType: 'STANDARD' },
      vpcConfig: {
        subnetIds: network.privateSubnets.map(({ id }) => id),
        endpointPrivateAccess: true,
        endpointPublicAccess: administrators.length > 0,
        ...(administrators.length > 0 ? { publicAccessCidrs: administrators } : {}),
      },
      tags: this.tags('control-plane', this.prefix),
      dependsOn: [logs, role],
      lifecycle: this.keepsData,
    })
  }

  #pools(region: RegionConfig, network: NetworkStack): void {
    const role = serviceRole(this, 'node', {
      service: 'ec2.amazonaws.com',
      managed: [
        'AmazonEKSWorkerNodePolicy',
        'AmazonEKS_CNI_Policy',
        'AmazonEC2ContainerRegistryPullOnly',
      ],
    })
    const ports = mediaPortsOf(region.meetingCluster)
    for (const pool of POOLS) {
      const media = pool === 'sfu' || pool === 'turn'
      const groups = media ? [this.#mediaGroup(pool, ports[pool], network)] : []
      const drain = media ? durationSeconds(region.meetingCluster[pool].drainTimeout) : 60
      const template = new LaunchTemplate(this, `${pool}-template`, {
        name: `${this.prefix}-${pool}`,
        updateDefaultVersion: true,
        metadataOptions: {
          httpEndpoint: 'enabled',
          httpTokens: 'required',
          // A pod with a network of its own is one hop further, and has no business there.
          httpPutResponseHopLimit: 1,
        },
        blockDeviceMappings: [
          {
            deviceName: '/dev/xvda',
            ebs: {
              encrypted: 'true',
              volumeType: 'gp3',
              volumeSize: 50,
              deleteOnTermination: 'true',
            },
          },
        ],
        networkInterfaces: [
          {
            associatePublicIpAddress: String(media),
            deleteOnTermination: 'true',
            securityGroups: [this.nodeGroupId, ...groups.map(({ id }) => id)],
          },
        ],
        monitoring: { enabled: true },
        userData: nodeUserData(media ? ports : undefined, { drainSeconds: drain }),
        tagSpecifications: ['instance', 'volume', 'network-interface'].map((resourceType) => ({
          resourceType,
          tags: { ...this.allTags, ...this.tags(pool) },
        })),
        tags: this.tags(pool),
      })
      this.#nodeGroups(pool, region, { role, template, network })
    }
  }

  /** What the internet may reach on the nodes of a pool: its media ports, and no other. Out they go by the group of all nodes. */
  #mediaGroup(pool: 'sfu' | 'turn', ports: readonly OpenPort[], network: NetworkStack) {
    const group = new SecurityGroup(this, `${pool}-group`, {
      name: `${this.prefix}-${pool}`,
      description: `Media ports of the ${pool} nodes`,
      vpcId: network.vpc.id,
      tags: this.tags(pool),
    })
    for (const { protocol, from, to, what } of ports)
      new VpcSecurityGroupIngressRule(this, `${pool}-${protocol}-${from}`, {
        securityGroupId: group.id,
        description: `${what}, from everybody`,
        ...{ ipProtocol: protocol, fromPort: from, toPort: to, cidrIpv4: '0.0.0.0/0' },
        tags: this.tags(pool, `${this.prefix}-${pool}-${protocol}-${from}`),
      })
    return group
  }

  /** A pool's nodes on demand (which reservations are taken off), and its spot nodes. */
  #nodeGroups(
    pool: PoolName,
    { sizes, meetingCluster }: RegionConfig,
    of: { role: IamRole; template: LaunchTemplate; network: NetworkStack },
  ): void {
    const { type, min, max, spotShare } = sizes[pool]
    const media = pool === 'sfu' || pool === 'turn'
    const subnets = media ? of.network.publicSubnets : of.network.privateSubnets
    const hours = media
      ? Math.ceil(durationSeconds(meetingCluster[pool].drainTimeout) / 3600) + 1
      : 1
    for (const { capacity, least, most } of split({ min, max, spotShare }))
      new EksNodeGroup(this, `${pool}-${capacity}`, {
        clusterName: this.cluster.name,
        nodeGroupNamePrefix: `${pool}-${capacity}-`,
        nodeRoleArn: of.role.arn,
        subnetIds: subnets.map(({ id }) => id),
        capacityType: capacity === 'spot' ? 'SPOT' : 'ON_DEMAND',
        amiType: 'AL2023_x86_64_STANDARD',
        instanceTypes: [type],
        launchTemplate: {
          id: of.template.id,
          version: `\${${of.template.fqn}.latest_version}`,
        },
        scalingConfig: { minSize: least, maxSize: most, desiredSize: least },
        // Pods that do not go stop the update; nothing is forced off a node.
        forceUpdateVersion: false,
        updateConfig: { maxUnavailable: 1 },
        labels: {
          'parley.dev/pool': pool,
          ...(media ? { 'parley.dev/media': 'true' } : {}),
        },
        ...(media
          ? { taint: [{ key: 'parley.dev/media', value: 'true', effect: 'NO_SCHEDULE' }] }
          : {}),
        timeouts: { create: '30m', update: `${hours}h`, delete: `${hours}h` },
        tags: {
          ...this.tags(pool, `${this.prefix}-${pool}-${capacity}`),
          'k8s.io/cluster-autoscaler/enabled': 'true',
          [`k8s.io/cluster-autoscaler/${this.prefix}`]: 'owned',
          ...(sizes[pool].reservedShare > 0 && capacity === 'on-demand'
            ? { 'parley:reserved-share': String(sizes[pool].reservedShare) }
            : {}),
        },
        // The autoscaler's number of nodes is not ours to set back.
        lifecycle: {
          createBeforeDestroy: true,
          ignoreChanges: ['scaling_config[0].desired_size'],
        },
      })
  }
}

export type Capacity = 'on-demand' | 'spot'

/** How many nodes of a pool are on demand and how many spot; a part without nodes is left out. */
export function split({
  min,
  max,
  spotShare,
}: {
  min: number
  max: number
  spotShare: number
}): { capacity: Capacity; least: number; most: number }[] {
  const spot = { least: Math.round(min * spotShare), most: Math.round(max * spotShare) }
  const parts = [
    { capacity: 'on-demand' as const, least: min - spot.least, most: max - spot.most },
    { capacity: 'spot' as const, ...spot },
  ]
  return parts.filter(({ most }) => most > 0)
}
