import {
  type Construct,
  DataAwsSecretsmanagerRandomPassword,
  DbInstance,
  DbParameterGroup,
  DbSubnetGroup,
  ElasticacheReplicationGroup,
  ElasticacheSubnetGroup,
  SecretsmanagerSecret,
  SecretsmanagerSecretVersion,
  SecurityGroup,
  VpcSecurityGroupIngressRule,
} from '../aws.ts'
import type { RegionConfig } from '../config/load.ts'
import type { ClusterStack } from './cluster.ts'
import { serviceRole } from './iam.ts'
import type { NetworkStack } from './network.ts'
import { ParleyStack, type StackOptions } from './stack.ts'

export const REDIS_PORT = 6379

/** One region's Redis and MySQL: encrypted, backed up, and reached by the nodes of the region only. */
export class DataStack extends ParleyStack {
  /** Secrets that pods of the region need. */
  readonly secretArns: string[]

  constructor(
    scope: Construct,
    region: RegionConfig,
    { network, cluster }: { network: NetworkStack; cluster: ClusterStack },
    options: StackOptions,
  ) {
    super(scope, `${region.region}-data`, options)
    const subnetIds = network.dataSubnets.map(({ id }) => id)
    const password = this.#redis(region, { network, cluster, subnetIds })
    const master = this.#mysql(region, { network, cluster, subnetIds })
    this.secretArns = [...(password ? [password] : []), master]
  }

  #group(component: string, port: number, network: NetworkStack, cluster: ClusterStack) {
    const group = new SecurityGroup(this, `${component}-group`, {
      name: `${this.prefix}-${component}`,
      description: `${component} of the region, for its nodes`,
      vpcId: network.vpc.id,
      tags: this.tags(component),
    })
    new VpcSecurityGroupIngressRule(this, `${component}-from-nodes`, {
      securityGroupId: group.id,
      description: `${component}, from the nodes`,
      ...{ ipProtocol: 'tcp', fromPort: port, toPort: port },
      referencedSecurityGroupId: cluster.nodeGroupId,
      tags: this.tags(component, `${this.prefix}-${component}-from-nodes`),
    })
    return group
  }

  /** @returns the ARN of the secret with the password, where there is one */
  #redis(
    { sizes }: RegionConfig,
    of: { network: NetworkStack; cluster: ClusterStack; subnetIds: string[] },
  ): string | undefined {
    const { type, nodes, inTransit } = sizes.redis
    const group = this.#group('redis', REDIS_PORT, of.network, of.cluster)
    const subnets = new ElasticacheSubnetGroup(this, 'redis-subnets', {
      name: `${this.prefix}-redis`,
      subnetIds: of.subnetIds,
      tags: this.tags('redis'),
    })
    // AWS takes a password only where TLS is all there is.
    const token = inTransit === 'required' ? this.#password('redis', of.network) : undefined
    const redis = new ElasticacheReplicationGroup(this, 'redis', {
      replicationGroupId: `${this.prefix}-redis`.slice(0, 40),
      description: `Rooms, live metrics and TURN accounting of ${this.prefix}`,
      engine: 'redis',
      engineVersion: '7.1',
      nodeType: type,
      numCacheClusters: nodes,
      automaticFailoverEnabled: nodes > 1,
      multiAzEnabled: nodes > 1,
      port: REDIS_PORT,
      subnetGroupName: subnets.name,
      securityGroupIds: [group.id],
      atRestEncryptionEnabled: 'true',
      kmsKeyId: of.network.key.arn,
      transitEncryptionEnabled: true,
      transitEncryptionMode: inTransit,
      ...(token ? { authToken: token.value } : {}),
      snapshotRetentionLimit: this.config.retention.backupDays,
      snapshotWindow: '02:00-03:00',
      maintenanceWindow: 'sun:03:30-sun:04:30',
      autoMinorVersionUpgrade: 'true',
      finalSnapshotIdentifier: `${this.prefix}-redis-final`,
      tags: this.tags('redis'),
      lifecycle: {
        ...this.keepsData,
        ...(token ? { ignoreChanges: ['auth_token'] } : {}),
      },
    })
    this.output('redis_host', redis.primaryEndpointAddress, 'Address of Redis')
    if (token) this.output('redis_secret_arn', token.arn, 'Secret with the password of Redis')
    return token?.arn
  }

  /** A password that is made once, and kept in Secrets Manager and in the (encrypted) state. */
  #password(component: string, network: NetworkStack): { value: string; arn: string } {
    const random = new DataAwsSecretsmanagerRandomPassword(this, `${component}-random`, {
      passwordLength: 48,
      excludePunctuation: true,
    })
    const secret = new SecretsmanagerSecret(this, `${component}-secret`, {
      name: `${this.prefix}/${component}`,
      description: `Password of ${component}`,
      kmsKeyId: network.key.arn,
      recoveryWindowInDays: 30,
      tags: this.tags(component),
      lifecycle: this.keepsData,
    })
    const version = new SecretsmanagerSecretVersion(this, `${component}-secret-value`, {
      secretId: secret.id,
      secretString: random.randomPassword,
      lifecycle: { ignoreChanges: ['secret_string'] },
    })
    return { value: version.secretString, arn: secret.arn }
  }

  /** @returns the ARN of the secret with user and password, which RDS makes and rotates */
  #mysql(
    { sizes, meetingCluster }: RegionConfig,
    of: { network: NetworkStack; cluster: ClusterStack; subnetIds: string[] },
  ): string {
    const { port } = meetingCluster.store.mysql
    const { type, storageGB, standby } = sizes.mysql
    const group = this.#group('mysql', port, of.network, of.cluster)
    const subnets = new DbSubnetGroup(this, 'mysql-subnets', {
      name: `${this.prefix}-mysql`,
      subnetIds: of.subnetIds,
      tags: this.tags('mysql'),
    })
    const parameters = new DbParameterGroup(this, 'mysql-parameters', {
      name: `${this.prefix}-mysql`,
      family: 'mysql8.4',
      parameter: [{ name: 'require_secure_transport', value: '1' }],
      tags: this.tags('mysql'),
    })
    const monitoring = serviceRole(this, 'mysql-monitoring', {
      service: 'monitoring.rds.amazonaws.com',
      managed: ['service-role/AmazonRDSEnhancedMonitoringRole'],
    })
    const mysql = new DbInstance(this, 'mysql', {
      identifier: `${this.prefix}-mysql`,
      engine: 'mysql',
      engineVersion: '8.4',
      instanceClass: type,
      dbName: 'parley',
      username: 'parley',
      manageMasterUserPassword: true,
      masterUserSecretKmsKeyId: of.network.key.keyId,
      allocatedStorage: storageGB,
      maxAllocatedStorage: Math.min(storageGB * 4, 65_536),
      storageType: 'gp3',
      storageEncrypted: true,
      kmsKeyId: of.network.key.arn,
      multiAz: standby,
      port,
      dbSubnetGroupName: subnets.name,
      parameterGroupName: parameters.name,
      vpcSecurityGroupIds: [group.id],
      publiclyAccessible: false,
      iamDatabaseAuthenticationEnabled: true,
      backupRetentionPeriod: this.config.retention.backupDays,
      backupWindow: '01:00-02:00',
      maintenanceWindow: 'sun:02:30-sun:03:30',
      copyTagsToSnapshot: true,
      deleteAutomatedBackups: this.options.allowDataLoss,
      deletionProtection: !this.options.allowDataLoss,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: `${this.prefix}-mysql-final`,
      autoMinorVersionUpgrade: true,
      enabledCloudwatchLogsExports: ['error', 'slowquery'],
      performanceInsightsEnabled: true,
      performanceInsightsKmsKeyId: of.network.key.arn,
      monitoringInterval: 60,
      monitoringRoleArn: monitoring.arn,
      tags: this.tags('mysql'),
      lifecycle: this.keepsData,
    })
    const { secretArn } = mysql.masterUserSecret.get(0)
    this.output('mysql_host', mysql.address, 'Address of MySQL')
    this.output('mysql_secret_arn', secretArn, 'Secret with user and password of MySQL')
    return secretArn
  }
}
