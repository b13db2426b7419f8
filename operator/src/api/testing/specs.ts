import fc from 'fast-check'
import {
  API_VERSION,
  InvalidMeetingCluster,
  KIND,
  type MeetingCluster,
  type MeetingClusterSpecInput,
  parseMeetingCluster,
} from '../index.ts'

/** MeetingClusters for tests: one by hand, and any number of them from fast-check. */

export const resource = (spec: object, name = 'demo') => ({
  apiVersion: API_VERSION,
  kind: KIND,
  metadata: { name, namespace: 'meetings' },
  spec: { domain: 'meet.example.com', region: 'eu-central-1', ...spec },
})

/** A MeetingCluster with its defaults. */
export function meetingCluster(
  spec: Omit<MeetingClusterSpecInput, 'domain' | 'region'> = {},
  name = 'demo',
): MeetingCluster {
  return parseMeetingCluster(resource(spec, name))
}

/** Specs of the right types, which keep the rules more often than not. */
export const looseSpecs: fc.Arbitrary<object> = partial({
  image: partial({
    registry: fc.constantFrom('', 'registry.example.com/parley'),
    pullSecrets: fc.array(fc.constantFrom('pull', 'other'), { maxLength: 2 }),
  }),
  mesh: partial({ maxParticipants: fc.integer({ min: 2, max: 8 }) }),
  turn: partial({
    ...common(),
    exposure: fc.constantFrom('HostNetwork', 'LoadBalancer', 'NodePort'),
    externalAddresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 2 }),
    listenPort: fc.constantFrom(3478, 5349, 443, 49152, 41000),
    tls: partial({
      secretName: fc.constantFrom('', 'tls'),
      issuerRef: fc.constant({ name: 'issuer' }),
      port: fc.constantFrom(5349, 3478, 50000),
    }),
    relayPorts: portRange(49152, 65535),
    credentials: partial({ ttl: duration(), rotation: duration() }),
    quotas: partial({ maxKbpsPerSession: fc.integer({ min: 0, max: 5000 }) }),
    deniedPeers: fc.array(peers(), { maxLength: 3 }),
    allowedPeers: fc.array(peers(), { maxLength: 3 }),
    drainTimeout: duration(),
  }),
  sfu: partial({
    ...common(),
    engine: fc.constantFrom('LiveKit', 'Mediasoup', 'None'),
    ports: portRange(40000, 49151),
  }),
  signaling: partial({
    ...common(),
    auth: partial({
      mode: fc.constantFrom('Token', 'OIDC'),
      guests: fc.constantFrom('Admit', 'Knock', 'Refuse'),
      oidc: partial({
        issuer: fc.constantFrom('', 'https://id.example.com'),
        clientId: fc.constantFrom('', 'parley'),
        origins: fc.constantFrom([], ['https://tokens.example.com']),
      }),
    }),
    allowedOrigins: fc.array(fc.constantFrom('*', 'https://a.example.com'), { maxLength: 2 }),
    trustedProxies: fc.array(fc.constantFrom('10.0.0.0/8', '::1'), { maxLength: 2 }),
  }),
  webapp: partial({
    ...common(),
    enabled: fc.boolean(),
    service: partial({
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      nodePort: fc.integer({ min: 30000, max: 32767 }),
    }),
    ingress: partial({ enabled: fc.boolean(), tlsSecretName: fc.constantFrom('', 'web-tls') }),
  }),
  redis: partial({
    mode: fc.constantFrom('Managed', 'External'),
    external: partial({
      url: fc.constantFrom('', 'redis://redis.example.com:6380/1'),
      secretName: fc.constantFrom('', 'redis'),
    }),
  }),
  store: partial({
    mode: fc.constantFrom('Embedded', 'MySQL'),
    mysql: partial({ secretName: fc.constantFrom('', 'mysql') }),
  }),
  cost: partial({
    prices: partial({
      preset: fc.constantFrom('aws/eu-central-1', 'cloudflare/global', 'no/where'),
      configMap: fc.constant('prices'),
    }),
    budget: fc.constant({ monthly: '500' }),
  }),
  monitoring: partial({ serviceMonitor: fc.constantFrom('Auto', true, false) }),
  networkPolicy: partial({ enabled: fc.boolean() }),
})

/** MeetingClusters that are accepted, with their defaults. */
export const meetingClusters: fc.Arbitrary<MeetingCluster> = fc
  .tuple(looseSpecs, fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/))
  .map(([spec, name]) => parsed(resource(spec, name)))
  .filter((mc) => mc !== undefined)

function parsed(value: unknown): MeetingCluster | undefined {
  try {
    return parseMeetingCluster(value)
  } catch (error) {
    if (error instanceof InvalidMeetingCluster) return undefined
    throw error
  }
}

/** Any of the fields, or none: what is left out gets its default, which keeps the rules. */
function partial<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: fc.record(fields, { requiredKeys: [] }) },
  ) as fc.Arbitrary<Partial<T>>
}

function common() {
  const replicas = fc.integer({ min: 1, max: 12 })
  return {
    replicas,
    autoscaling: partial({ minReplicas: replicas, maxReplicas: replicas }),
    resources: partial({
      requests: fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constantFrom('1', 2, '500m')),
    }),
    nodeSelector: fc.dictionary(fc.constantFrom('zone', 'pool'), fc.constantFrom('a', 'b')),
    podAnnotations: fc.dictionary(fc.constant('example.com/note'), fc.constantFrom('x', 'y')),
    tolerations: fc.array(fc.constant({ key: 'media', operator: 'Exists' as const }), {
      maxLength: 1,
    }),
  }
}

function portRange(low: number, high: number) {
  const end = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: low, max: high }) },
    { weight: 1, arbitrary: fc.integer({ min: 1024, max: 65535 }) },
  )
  return partial({ min: end, max: end })
}

function duration() {
  return fc.constantFrom('30s', '1h', '1h30m', '1500ms', '720h', '0s')
}

function peers() {
  const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
  const v6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }))
  return fc.oneof(
    fc.ipV4(),
    v4.map(([ip, bits]) => `${ip}/${bits}`),
    v6.map(([ip, bits]) => `${ip}/${bits}`),
    fc.tuple(fc.ipV4(), fc.ipV4()).map((ends) => ends.join('-')),
  )
}
