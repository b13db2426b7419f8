import type { V1EnvVar } from '@kubernetes/client-node'
import type { MeetingCluster } from '../api/index.ts'
import { buildClaim, buildDisruptionBudget, buildServiceAccount } from './common.ts'
import type { RenderInputs } from './inputs.ts'
import type { KubernetesObject, Service, StatefulSet } from './kubernetes.ts'
import { claimNames, metadata, objectName, secretNames, selectorOf, serviceHost } from './names.ts'
import { dataMount, type Mount, podTemplate, scratchMount, secretMount } from './pod.ts'

export const REDIS_PORT = 6379

/** The managed Redis: one pod, and a volume where the cluster has storage. Nothing if External. */
export function renderRedis(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  if (mc.spec.redis.mode === 'External') return []
  return [
    buildServiceAccount(mc, 'redis'),
    ...(inputs.capabilities.storage.redis === 'Volume'
      ? [buildClaim(mc, 'redis', claimNames(mc).redis, mc.spec.redis)]
      : []),
    buildRedisService(mc),
    buildRedisStatefulSet(mc, inputs),
    buildDisruptionBudget(mc, 'redis'),
  ]
}

export function buildRedisService(mc: MeetingCluster): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(mc, 'redis'),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(mc, 'redis'),
      ports: [{ name: 'redis', protocol: 'TCP', port: REDIS_PORT, targetPort: 'redis' }],
    },
  }
}

/**
 * The claim is an object of its own rather than a template of the StatefulSet, whose templates can
 * never be changed: so the volume can grow, and come later.
 */
export function buildRedisStatefulSet(mc: MeetingCluster, inputs: RenderInputs): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(mc, 'redis'),
    spec: {
      replicas: 1,
      revisionHistoryLimit: 3,
      serviceName: objectName(mc, 'redis'),
      selector: { matchLabels: selectorOf(mc, 'redis') },
      template: podTemplate(mc, inputs, {
        component: 'redis',
        image: 'parley-redis',
        env: [{ name: 'REDIS_PORT', value: String(REDIS_PORT) }],
        ports: [{ name: 'redis', protocol: 'TCP', containerPort: REDIS_PORT }],
        mounts: [
          secretMount('redis', secretNames(mc).redis, ['password']),
          dataMount(claimNames(mc).redis, '/data', inputs.capabilities.storage.redis),
          scratchMount('run', '/run/redis', { sizeLimit: '16Mi', inMemory: true }),
          scratchMount('tmp', '/tmp', { sizeLimit: '16Mi' }),
        ],
        probes: {
          readiness: { ...pingProbe, periodSeconds: 5, failureThreshold: 2 },
          // Loading a large append-only file takes its time: only a port that is gone is death.
          liveness: {
            tcpSocket: { port: 'redis' },
            initialDelaySeconds: 10,
            periodSeconds: 10,
            failureThreshold: 6,
          },
        },
        terminationGracePeriodSeconds: 30,
      }),
    },
  }
}

const pingProbe = { exec: { command: ['/usr/local/bin/redis-ready'] }, timeoutSeconds: 3 }

/**
 * How a program of ours (Node) reaches Redis: its URL in a file, and the certificates that the server's
 * comes from, beside those that everybody trusts.
 */
export function redisAccess(mc: MeetingCluster): { env: V1EnvVar[]; mounts: Mount[] } {
  const external = mc.spec.redis.mode === 'External'
  const mount = secretMount('redis', secretNames(mc).redis, ['url', ...(external ? ['ca'] : [])])
  return {
    env: [
      { name: 'REDIS_URL_FILE', value: `${mount.mountPath}/url` },
      ...(external ? [{ name: 'NODE_EXTRA_CA_CERTS', value: `${mount.mountPath}/ca` }] : []),
    ],
    mounts: [mount],
  }
}

/** Where coturn finds Redis; from the Secret where only that knows. */
export function redisAddressEnv(mc: MeetingCluster): V1EnvVar[] {
  const known = redisAddress(mc)
  const value = (key: 'host' | 'port') =>
    known
      ? { value: String(known[key]) }
      : { valueFrom: { secretKeyRef: { name: secretNames(mc).redis, key } } }
  return [
    { name: 'REDIS_HOST', ...value('host') },
    { name: 'REDIS_PORT', ...value('port') },
  ]
}

/** Host and port of Redis; undefined where only the Secret of an external one says, and where the URL is none. */
export function redisAddress(mc: MeetingCluster): { host: string; port: number } | undefined {
  const { mode, external } = mc.spec.redis
  if (mode === 'Managed') return { host: serviceHost(mc, 'redis'), port: REDIS_PORT }
  const url = URL.parse(external.url)
  return url ? addressOf(url) : undefined
}

/** Host and port of a Redis URL, as a resolver takes them: IPv6 without its brackets. */
export function addressOf({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || REDIS_PORT) }
}
