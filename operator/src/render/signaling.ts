import {
  durationSeconds,
  hasLiveKit,
  InvalidMeetingCluster,
  type MeetingCluster,
  SFU_PORTS,
} from '../api/index.ts'
import {
  buildAutoscaler,
  buildDisruptionBudget,
  buildServiceAccount,
  fixedReplicas,
} from './common.ts'
import type { RenderInputs } from './inputs.ts'
import type { ConfigMap, Deployment, KubernetesObject, Service } from './kubernetes.ts'
import {
  configMapNames,
  METER_PORT,
  metadata,
  secretNames,
  selectorOf,
  serviceHost,
} from './names.ts'
import { configMapMount, httpProbes, podTemplate, scratchMount, secretMount } from './pod.ts'
import { redisAccess } from './redis.ts'
import { JOIN_TOKEN_TTL_SECONDS } from './rotating.ts'

export const SIGNALING_PORT = 8080

/** Where requests stand until the meter has them: it stays when the container is started again. */
const trafficFolder = '/var/lib/parley/traffic'

/** Signaling: stateless, behind the web page. */
export function renderSignaling(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  const autoscaler = buildAutoscaler(mc, 'signaling', inputs)
  return [
    buildServiceAccount(mc, 'signaling'),
    buildTurnEndpoints(mc, inputs),
    buildSignalingService(mc),
    buildSignalingDeployment(mc, inputs),
    buildDisruptionBudget(mc, 'signaling'),
    ...(autoscaler ? [autoscaler] : []),
  ]
}

/** The TURN servers that browsers are given; signaling reads it again when it changes. */
export function buildTurnEndpoints(mc: MeetingCluster, inputs: RenderInputs): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(mc, 'signaling', configMapNames(mc).turnEndpoints),
    data: { 'endpoints.json': `${JSON.stringify({ urls: inputs.turnUrls }, null, 2)}\n` },
  }
}

export function buildSignalingService(mc: MeetingCluster): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(mc, 'signaling'),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(mc, 'signaling'),
      ports: [{ name: 'http', protocol: 'TCP', port: SIGNALING_PORT, targetPort: 'http' }],
    },
  }
}

export function buildSignalingDeployment(mc: MeetingCluster, inputs: RenderInputs): Deployment {
  const { domain, region, mesh, signaling, turn } = mc.spec
  const origins =
    signaling.allowedOrigins.length > 0 ? signaling.allowedOrigins : [`https://${domain}`]
  const redis = redisAccess(mc)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(mc, 'signaling'),
    spec: {
      ...fixedReplicas(mc, 'signaling'),
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorOf(mc, 'signaling') },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: podTemplate(mc, inputs, {
        component: 'signaling',
        image: 'parley-signaling',
        env: [
          { name: 'PORT', value: String(SIGNALING_PORT) },
          { name: 'PARLEY_CLUSTER', value: mc.metadata.name },
          { name: 'PARLEY_DOMAIN', value: domain },
          { name: 'PARLEY_REGION', value: region },
          { name: 'PARLEY_TENANT', value: 'default' },
          { name: 'PARLEY_ALLOWED_ORIGINS', value: origins.join(',') },
          { name: 'PARLEY_MESH_MAX', value: String(mesh.maxParticipants) },
          {
            name: 'PARLEY_DRAIN_SECONDS',
            value: String(Math.ceil(durationSeconds(signaling.drainTimeout))),
          },
          {
            name: 'PARLEY_MESSAGES_PER_SECOND',
            value: String(signaling.rateLimits.messagesPerSecond),
          },
          {
            name: 'PARLEY_TURN_TTL_SECONDS',
            value: String(Math.ceil(durationSeconds(turn.credentials.ttl))),
          },
          { name: 'PARLEY_TURN_SECRET_FILE', value: '/etc/parley/secrets/turn/secrets' },
          {
            name: 'PARLEY_TURN_ENDPOINTS_FILE',
            value: '/etc/parley/turn-endpoints/endpoints.json',
          },
          { name: 'PARLEY_JOIN_TTL_SECONDS', value: String(JOIN_TOKEN_TTL_SECONDS) },
          { name: 'PARLEY_JOIN_KEY_FILE', value: '/etc/parley/secrets/join/key' },
          { name: 'PARLEY_GUESTS', value: signaling.auth.guests },
          ...given(signInEnv(mc)),
          ...given(proxiesEnv(mc)),
          ...given(errorsEnv(mc, inputs)),
          ...given(monitoringEnv(mc)),
          // Admins are told what relaying costs.
          {
            name: 'PARLEY_METER_API',
            value: `http://${serviceHost(mc, 'meter')}:${METER_PORT}`,
          },
          { name: 'PARLEY_METER_TOKEN_FILE', value: '/etc/parley/secrets/meter/token' },
          { name: 'PARLEY_SFU', value: hasLiveKit(mc) ? 'LiveKit' : 'None' },
          ...(hasLiveKit(mc)
            ? [
                { name: 'PARLEY_SFU_KEYS_FILE', value: '/etc/parley/secrets/livekit/keys' },
                // Whoever leaves is removed there.
                {
                  name: 'PARLEY_SFU_API',
                  value: `http://${serviceHost(mc, 'sfu')}:${SFU_PORTS.http}`,
                },
              ]
            : []),
          ...redis.env,
        ],
        ports: [{ name: 'http', protocol: 'TCP', containerPort: SIGNALING_PORT }],
        mounts: [
          secretMount('turn', secretNames(mc).turn, ['secrets']),
          secretMount('join', secretNames(mc).joinKey, ['key']),
          secretMount('meter', secretNames(mc).meterToken, ['token']),
          ...(hasLiveKit(mc) ? [secretMount('livekit', secretNames(mc).livekit, ['keys'])] : []),
          ...redis.mounts,
          configMapMount(
            'turn-endpoints',
            configMapNames(mc).turnEndpoints,
            '/etc/parley/turn-endpoints',
          ),
          scratchMount('tmp', '/tmp', { sizeLimit: '16Mi' }),
          // A dozen bytes a request, until the meter has it: of 10,000 s of 1000 requests, 120 MB.
          ...(counts(mc) ? [scratchMount('traffic', trafficFolder, { sizeLimit: '512Mi' })] : []),
        ],
        probes: httpProbes('http', { readiness: '/readyz', liveness: '/healthz' }),
        terminationGracePeriodSeconds: Math.ceil(durationSeconds(signaling.drainTimeout)) + 10,
      }),
    },
  }
}

/** How people sign in; what the spec leaves empty is as signaling has it by default. */
function signInEnv({ spec }: MeetingCluster): Record<string, string> {
  const { mode, oidc } = spec.signaling.auth
  if (mode !== 'OIDC') return {}
  return {
    PARLEY_AUTH_MODE: mode,
    PARLEY_OIDC_ISSUER: oidc.issuer,
    PARLEY_OIDC_CLIENT_ID: oidc.clientId,
    PARLEY_OIDC_SCOPE: oidc.scope,
    PARLEY_OIDC_ROLES_CLAIM: oidc.rolesClaim,
    PARLEY_OIDC_HOST_ROLE: oidc.hostRole,
    PARLEY_OIDC_ADMIN_ROLE: oidc.adminRole,
    PARLEY_OIDC_MEMBER_ROLE: oidc.memberRole,
    PARLEY_OIDC_TENANT_CLAIM: oidc.tenantClaim,
    PARLEY_OIDC_ORIGINS: oidc.origins.join(','),
  }
}

/** Our web page's server stands before signaling; an Ingress of ours has an address of the cluster. */
function proxiesEnv({ spec }: MeetingCluster): Record<string, string> {
  const { signaling, webapp } = spec
  const byDefault = webapp.ingress.enabled ? ['loopback', 'linklocal', 'uniquelocal'] : []
  const proxies = signaling.trustedProxies.length > 0 ? signaling.trustedProxies : byDefault
  return {
    PARLEY_TRUSTED_HOPS: webapp.enabled ? '1' : '',
    PARLEY_TRUSTED_PROXIES: proxies.join(','),
  }
}

function errorsEnv({ spec }: MeetingCluster, { images }: RenderInputs): Record<string, string> {
  const { dsn, pageDsn } = spec.monitoring.errors
  if (dsn === '' && pageDsn === '') return {}
  return {
    PARLEY_ERRORS_DSN: dsn,
    PARLEY_ERRORS_PAGE_DSN: pageDsn,
    PARLEY_RELEASE: spec.image.tag || images.tag,
  }
}

/** What is counted for the history, and whether admins may see it; signaling does all of it by default. */
function monitoringEnv(mc: MeetingCluster): Record<string, string> {
  const { http, calls, admin } = mc.spec.monitoring
  return {
    PARLEY_ADMIN_ENABLED: admin ? '' : 'false',
    METRICS_HTTP_ENABLED: http ? '' : 'false',
    WEBRTC_METRICS_ENABLED: calls ? '' : 'false',
    ...(counts(mc) ? { METRICS_FOLDER: trafficFolder } : { METRICS_ENABLED: 'false' }),
  }
}

/** Whether anything is counted for the history. */
export function counts({ spec }: MeetingCluster): boolean {
  return spec.monitoring.http || spec.monitoring.calls
}

const given = (env: Record<string, string>) =>
  Object.entries(env).flatMap(([name, value]) => (value === '' ? [] : [{ name, value }]))

/**
 * Origins that the web page connects to, besides its own: to sign in, and to report its faults.
 * @throws {InvalidMeetingCluster}
 */
export function pageConnectsTo({ spec }: MeetingCluster): string[] {
  const { mode, oidc } = spec.signaling.auth
  const urls = [
    ...(mode === 'OIDC' ? [oidc.issuer, ...oidc.origins].map((url) => urlIn(oidcPath, url)) : []),
    urlIn('spec.monitoring.errors.pageDsn', spec.monitoring.errors.pageDsn),
  ]
  return [...new Set(urls.flatMap((url) => url?.origin ?? []))]
}

/**
 * Ports of those outside of the cluster whom signaling asks itself: the identity provider, the error tracker.
 * @throws {InvalidMeetingCluster}
 */
export function signalingAsksPorts({ spec }: MeetingCluster): number[] {
  const { mode, oidc } = spec.signaling.auth
  const urls = [
    mode === 'OIDC' ? urlIn(oidcPath, oidc.issuer) : undefined,
    urlIn('spec.monitoring.errors.dsn', spec.monitoring.errors.dsn),
  ]
  const ports = urls.flatMap((url) => (url ? [portOf(url)] : []))
  return [...new Set(ports)].toSorted((a, b) => a - b)
}

const oidcPath = 'spec.signaling.auth.oidc'

/** Of what the schema takes for a URL not each is one, as with a port past 65535. Empty: none is given. */
function urlIn(path: string, text: string): URL | undefined {
  if (text === '') return undefined
  const url = URL.parse(text)
  // A URL takes characters for a host that no policy of a page does.
  if (url && /^[\w.:[\]-]+$/.test(url.host)) return url
  throw new InvalidMeetingCluster([{ path, message: 'is no URL: look at its host and port' }])
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}
