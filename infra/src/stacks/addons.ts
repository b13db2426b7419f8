import {
  type Construct,
  DataAwsCallerIdentity,
  EksAddon,
  EksPodIdentityAssociation,
} from '../aws.ts'
import type { RegionConfig } from '../config/load.ts'
import type { ClusterStack } from './cluster.ts'
import type { DataStack } from './data.ts'
import { podRole, type Statement } from './iam.ts'
import type { NetworkStack } from './network.ts'
import { ParleyStack, type StackOptions } from './stack.ts'

/** A controller in the cluster that talks to AWS: its service account, and all that it may do there. */
export type PodRights = {
  namespace: string
  serviceAccount: string
  statements: Statement[]
  /** Policies of AWS's own, for what is AWS's own. */
  managed?: string[]
}

/**
 * What runs in a cluster beside Parley: EKS add-ons where AWS has them, and the rights of those that
 * come by Helm (their values are in the hand-over). Rights are one role for each service account, by
 * EKS Pod Identity; Parley's own pods need none.
 */
export class AddonsStack extends ParleyStack {
  constructor(
    scope: Construct,
    region: RegionConfig,
    of: { network: NetworkStack; cluster: ClusterStack; data: DataStack },
    options: StackOptions,
  ) {
    super(scope, `${region.region}-addons`, options)
    const { accountId } = new DataAwsCallerIdentity(this, 'account', {})
    const clusterName = of.cluster.cluster.name
    const rights = this.#rights(of, accountId, region.meetingCluster.turn.tls.host || region.host)
    // Pods get their rights by it, so it is there first.
    const identity = this.#addon(clusterName, 'eks-pod-identity-agent')
    for (const [name, { namespace, serviceAccount, statements, managed = [] }] of Object.entries(
      rights,
    )) {
      const role = podRole(this, name, { statements, managed })
      new EksPodIdentityAssociation(this, `${name}-identity`, {
        clusterName,
        namespace,
        serviceAccount,
        roleArn: role.arn,
        tags: this.tags(name),
        dependsOn: [identity],
      })
    }
    this.#addon(clusterName, 'vpc-cni', { enableNetworkPolicy: 'true' })
    this.#addon(clusterName, 'kube-proxy')
    const onSystem = { nodeSelector: { 'parley.dev/pool': 'system' } }
    this.#addon(clusterName, 'coredns', onSystem)
    this.#addon(clusterName, 'aws-ebs-csi-driver', { controller: onSystem })
    this.#addon(clusterName, 'metrics-server', onSystem)
    this.#addon(clusterName, 'cert-manager', onSystem)
    this.#addon(clusterName, 'external-dns', {
      ...onSystem,
      domainFilters: [this.config.domain],
      txtOwnerId: this.prefix,
      policy: 'sync',
    })
    this.#addon(clusterName, 'kube-state-metrics', onSystem)
    this.#addon(clusterName, 'prometheus-node-exporter')
  }

  #addon(clusterName: string, addonName: string, configuration?: object): EksAddon {
    return new EksAddon(this, addonName, {
      clusterName,
      addonName,
      ...(configuration ? { configurationValues: JSON.stringify(configuration) } : {}),
      resolveConflictsOnCreate: 'OVERWRITE',
      resolveConflictsOnUpdate: 'PRESERVE',
      tags: this.tags('addons', `${this.prefix}-${addonName}`),
    })
  }

  #rights(
    { network, cluster, data }: { network: NetworkStack; cluster: ClusterStack; data: DataStack },
    accountId: string,
    /** The one name that has records of the cluster's own. */
    host: string,
  ): Record<string, PodRights> {
    const { region } = this.options
    const zone = `arn:aws:route53:::hostedzone/${network.zoneId}`
    // Listing has no resource that it could be narrowed to.
    const lists = (actions: string[]): Statement => ({ actions, resources: ['*'] })
    const records = (name: string, types: string[]): Statement[] => [
      {
        actions: ['route53:ChangeResourceRecordSets'],
        resources: [zone],
        conditions: {
          'ForAllValues:StringLike': {
            'route53:ChangeResourceRecordSetsNormalizedRecordNames': [name],
          },
          'ForAllValues:StringEquals': { 'route53:ChangeResourceRecordSetsRecordTypes': types },
        },
      },
      { actions: ['route53:ListResourceRecordSets'], resources: [zone] },
    ]
    return {
      'external-dns': {
        namespace: 'external-dns',
        serviceAccount: 'external-dns',
        // Beside the name's own record it keeps one that says whose that is, with a word before it.
        statements: [
          ...records(`*${host}`, ['A', 'AAAA', 'TXT']),
          lists(['route53:ListHostedZones']),
        ],
      },
      'cert-manager': {
        namespace: 'cert-manager',
        serviceAccount: 'cert-manager',
        statements: [
          ...records(`_acme-challenge.${host}`, ['TXT']),
          { actions: ['route53:GetChange'], resources: ['arn:aws:route53:::change/*'] },
          lists(['route53:ListHostedZonesByName']),
        ],
      },
      // The load balancer is ours: its controller only says which pods are behind it.
      'load-balancer-controller': {
        namespace: 'kube-system',
        serviceAccount: 'aws-load-balancer-controller',
        statements: [
          {
            actions: [
              'elasticloadbalancing:RegisterTargets',
              'elasticloadbalancing:DeregisterTargets',
            ],
            resources: [network.targets.arn],
          },
          lists([
            'ec2:DescribeAvailabilityZones',
            'ec2:DescribeInstances',
            'ec2:DescribeNetworkInterfaces',
            'ec2:DescribeSecurityGroups',
            'ec2:DescribeSubnets',
            'ec2:DescribeVpcs',
            'elasticloadbalancing:DescribeTargetGroups',
            'elasticloadbalancing:DescribeTargetHealth',
          ]),
        ],
      },
      'cluster-autoscaler': {
        namespace: 'kube-system',
        serviceAccount: 'cluster-autoscaler',
        statements: [
          {
            actions: [
              'autoscaling:SetDesiredCapacity',
              'autoscaling:TerminateInstanceInAutoScalingGroup',
            ],
            resources: [`arn:aws:autoscaling:${region}:${accountId}:autoScalingGroup:*`],
            conditions: {
              StringEquals: { 'aws:ResourceTag/eks:cluster-name': cluster.cluster.name },
            },
          },
          {
            actions: ['eks:DescribeNodegroup'],
            resources: [`arn:aws:eks:${region}:${accountId}:nodegroup/${this.prefix}/*`],
          },
          lists([
            'autoscaling:DescribeAutoScalingGroups',
            'autoscaling:DescribeAutoScalingInstances',
            'autoscaling:DescribeLaunchConfigurations',
            'autoscaling:DescribeScalingActivities',
            'autoscaling:DescribeTags',
            'ec2:DescribeImages',
            'ec2:DescribeInstanceTypes',
            'ec2:DescribeLaunchTemplateVersions',
            'ec2:GetInstanceTypesFromInstanceRequirements',
          ]),
        ],
      },
      'external-secrets': {
        namespace: 'external-secrets',
        serviceAccount: 'external-secrets',
        statements: [
          {
            actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
            resources: data.secretArns,
          },
          {
            actions: ['kms:Decrypt'],
            resources: [network.key.arn],
            conditions: {
              StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` },
            },
          },
        ],
      },
      'ebs-csi': {
        namespace: 'kube-system',
        serviceAccount: 'ebs-csi-controller-sa',
        managed: ['service-role/AmazonEBSCSIDriverPolicy'],
        statements: [],
      },
    }
  }
}
