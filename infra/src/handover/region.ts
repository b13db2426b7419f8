import type { MeetingClusterSpec } from '@parley/operator/api'
import { durationSeconds, parseMeetingCluster } from '@parley/operator/api'
import { stringify } from 'yaml'
import { instanceTypes } from '../config/catalogue.ts'
import type { InfraConfig, RegionConfig } from '../config/load.ts'
import { InfraError } from '../errors.ts'
import { REDIS_PORT } from '../stacks/data.ts'

/** Outputs of a region's stacks, as `terraform output -json` prints them, merged. */
export type Outputs = Record<string, { value: unknown }>

export const NAMESPACE = 'meetings'

/**
 * What a region's Kubernetes is given once its stacks are there: files by name. The MeetingCluster is
 * one that the operator's own rules have accepted.
 * @param outputs of the stacks network, cluster and data of the region
 * @param mysqlCa certificates that MySQL's comes from (PEM)
 * @throws {InfraError} `OUTPUTS`; names the output that is missing and the stack that has it
 */
export function handOver(
  config: InfraConfig,
  region: RegionConfig,
  outputs: Outputs,
  mysqlCa: string,
): Map<string, string> {
  const out = (name: string, stack: string): string => {
    const value = outputs[name]?.value
    if (typeof value === 'string' && value !== '') return value
    throw new InfraError(
      'OUTPUTS',
      `${region.region}: no output ${name}: apply ${region.region}-${stack}, and give what "terraform output -json" prints there`,
    )
  }
  if (!/-----BEGIN CERTIFICATE-----/.test(mysqlCa))
    throw new InfraError(
      'OUTPUTS',
      `the file of --ca has no certificate; take https://truststore.pki.rds.amazonaws.com/${region.region}/${region.region}-bundle.pem`,
    )
  const cluster = out('cluster_name', 'cluster')
  const host = out('redis_host', 'data')
  const encrypted = region.sizes.redis.inTransit === 'required'
  const redis = {
    url: `${encrypted ? 'rediss' : 'redis'}://${host}:${REDIS_PORT}/0`,
    ...(encrypted ? { secretName: 'redis' } : {}),
  }
  const secrets = [
    ...(encrypted
      ? [
          externalSecret(
            'redis',
            out('redis_secret_arn', 'data'),
            { password: '{{ .value }}' },
            true,
          ),
        ]
      : []),
    externalSecret('mysql', out('mysql_secret_arn', 'data'), {
      host: out('mysql_host', 'data'),
      port: String(region.meetingCluster.store.mysql.port),
      database: 'parley',
      user: '{{ .username }}',
      password: '{{ .password }}',
      ca: mysqlCa,
    }),
  ]
  const values = helmValues(config, region, cluster, out('vpc_id', 'network'))
  return new Map([
    ['namespace.yaml', yaml([namespace()])],
    ['issuer.yaml', yaml([issuer(config, region)])],
    ['secrets.yaml', yaml([secretStore(region.region), ...secrets])],
    ['meetingcluster.yaml', yaml([meetingCluster(config, region, redis)])],
    ['binding.yaml', yaml([targetGroupBinding(config, out('target_group_arn', 'network'))])],
    ...Object.entries(values).map(([chart, of]): [string, string] => [
      `values/${chart}.yaml`,
      yaml([of]),
    ]),
  ])
}

/** Every host at which a page of ours may be, whichever region answers. */
function originsOf({ domain, regions }: InfraConfig): string[] {
  return [domain, ...regions.map(({ host }) => host)].map((host) => `https://${host}`)
}

function meetingCluster(
  config: InfraConfig,
  region: RegionConfig,
  redis: { url: string; secretName?: string },
): object {
  const { meetingCluster: spec, sizes } = region
  const resource = {
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: config.name, namespace: NAMESPACE },
    spec: {
      ...spec,
      turn: { ...spec.turn, service: { ...spec.turn.service, annotations: dnsOf(spec) } },
      sfu: { ...spec.sfu, resources: wholeNode(sizes.sfu.type) },
      signaling: { ...spec.signaling, allowedOrigins: originsOf(config) },
      redis: { ...spec.redis, mode: 'External', external: redis },
      store: { ...spec.store, mode: 'MySQL', mysql: { ...spec.store.mysql, secretName: 'mysql' } },
    },
  }
  parseMeetingCluster(resource)
  return resource
}

/** Keeps a name of the TURN nodes' own addresses, for its certificate. */
function dnsOf({ turn }: MeetingClusterSpec): Record<string, string> {
  if (turn.tls.host === '') return turn.service.annotations
  return {
    'external-dns.alpha.kubernetes.io/hostname': turn.tls.host,
    'external-dns.alpha.kubernetes.io/endpoints-type': 'NodeExternalIP',
    'external-dns.alpha.kubernetes.io/ttl': '60',
    ...turn.service.annotations,
  }
}

/** An SFU pod has its node to itself: it takes all but what the node itself needs. */
function wholeNode(type: string): object {
  const { cores = 4, memoryGiB = 8 } = instanceTypes[type] ?? {}
  return {
    requests: { cpu: String(cores - 1), memory: `${Math.floor(memoryGiB * 0.7)}Gi` },
    limits: { memory: `${Math.floor(memoryGiB * 0.8)}Gi` },
  }
}

function namespace(): object {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: NAMESPACE,
      labels: { 'pod-security.kubernetes.io/enforce': 'privileged' },
    },
  }
}

/** Certificates of TURN, proven by records in the zone. */
function issuer({ zone }: InfraConfig, { region }: RegionConfig): object {
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'ClusterIssuer',
    metadata: { name: 'letsencrypt' },
    spec: {
      acme: {
        server: 'https://acme-v02.api.letsencrypt.org/directory',
        privateKeySecretRef: { name: 'letsencrypt-account' },
        solvers: [{ selector: { dnsZones: [zone] }, dns01: { route53: { region } } }],
      },
    },
  }
}

function secretStore(region: string): object {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: 'aws', namespace: NAMESPACE },
    spec: { provider: { aws: { service: 'SecretsManager', region } } },
  }
}

/** A Secret that follows one of Secrets Manager, which RDS changes every week. */
function externalSecret(
  name: string,
  arn: string,
  data: Record<string, string>,
  isPlain = false,
): object {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      refreshInterval: '5m',
      secretStoreRef: { kind: 'SecretStore', name: 'aws' },
      target: { name, template: { engineVersion: 'v2', data } },
      ...(isPlain
        ? { data: [{ secretKey: 'value', remoteRef: { key: arn } }] }
        : { dataFrom: [{ extract: { key: arn } }] }),
    },
  }
}

/** The load balancer is Terraform's; its controller keeps the web page's pods behind it. */
function targetGroupBinding({ name }: InfraConfig, targetGroupARN: string): object {
  return {
    apiVersion: 'elbv2.k8s.aws/v1beta1',
    kind: 'TargetGroupBinding',
    metadata: { name: `${name}-webapp`, namespace: NAMESPACE },
    spec: {
      serviceRef: { name: `${name}-webapp`, port: 80 },
      targetGroupARN,
      targetType: 'ip',
    },
  }
}

function helmValues(
  config: InfraConfig,
  { region, meetingCluster: { sfu, turn } }: RegionConfig,
  clusterName: string,
  vpcId: string,
): Record<string, object> {
  const nodeSelector = { 'parley.dev/pool': 'system' }
  const longest = Math.max(durationSeconds(sfu.drainTimeout), durationSeconds(turn.drainTimeout))
  return {
    parley: { nodeSelector, ...(config.environment === 'production' ? { replicas: 2 } : {}) },
    'aws-load-balancer-controller': {
      ...{ clusterName, region, vpcId, nodeSelector },
      serviceAccount: { name: 'aws-load-balancer-controller' },
      backendSecurityGroup: '',
      enableBackendSecurityGroup: false,
    },
    'cluster-autoscaler': {
      ...{ autoDiscovery: { clusterName }, awsRegion: region, nodeSelector },
      rbac: { serviceAccount: { name: 'cluster-autoscaler' } },
      extraArgs: {
        // A node with a call on it is waited for, and never taken for being little used.
        'max-graceful-termination-sec': longest + 60,
        'skip-nodes-with-local-storage': false,
        'balance-similar-node-groups': true,
      },
    },
    'external-secrets': { nodeSelector, serviceAccount: { name: 'external-secrets' } },
    'kube-prometheus-stack': {
      // Both come as add-ons of EKS.
      kubeStateMetrics: { enabled: false },
      nodeExporter: { enabled: false },
      prometheus: {
        prometheusSpec: {
          nodeSelector,
          // Those of MeetingClusters, which carry no label of this release.
          ...{
            serviceMonitorSelectorNilUsesHelmValues: false,
            ruleSelectorNilUsesHelmValues: false,
          },
        },
      },
      grafana: { nodeSelector, sidecar: { dashboards: { enabled: true, searchNamespace: 'ALL' } } },
    },
  }
}

function yaml(documents: readonly object[]): string {
  return documents
    .map((document) => stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 }))
    .join('---\n')
}
