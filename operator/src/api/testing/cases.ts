export interface Refused {
  why: string
  spec: object
  path: string
  says: string
  /** Its own words, where a structural schema has no room for ours. */
  serverSays?: string
}

/**
 * Specs that break one rule each: what is refused, at which field, and with which words. The same
 * table is put to the TypeScript side and to a real API server.
 */
export const refusedSpecs: Refused[] = [
  ...['lots', '-1', '1 Gi'].map((cpu) => ({
    why: `an amount of CPU "${cpu}"`,
    spec: { turn: { resources: { requests: { cpu } } } },
    path: 'spec.turn.resources.requests.cpu',
    says: 'is no quantity',
    serverSays: 'spec.turn.resources.requests.cpu in body should match',
  })),
  {
    why: 'a negative amount of CPU',
    spec: { turn: { resources: { requests: { cpu: -1 } } } },
    path: 'spec.turn.resources.requests.cpu',
    says: 'must be 0 or more',
    serverSays: 'spec.turn.resources.requests.cpu in body should be greater than or equal to 0',
  },
  {
    why: 'REQ-K4: TURN and SFU ports overlap',
    spec: { turn: { relayPorts: { min: 45000, max: 50000 } } },
    path: 'spec.turn.relayPorts',
    says: 'turn.relayPorts and sfu.ports overlap',
  },
  ...[7880, 7881, 6789].flatMap((port) => [
    {
      why: `REQ-K4: TURN listens on ${port} of the SFU`,
      spec: { turn: { listenPort: port } },
      path: 'spec.turn.listenPort',
      says: 'is a port of the SFU',
    },
    {
      why: `REQ-K4: TURN over TLS listens on ${port} of the SFU`,
      spec: { turn: { tls: { port } } },
      path: 'spec.turn.tls.port',
      says: 'is a port of the SFU',
    },
  ]),
  {
    why: 'a port of a Service that has none',
    spec: { turn: { service: { nodePort: 30478 } } },
    path: 'spec.turn.service.nodePort',
    says: 'needs exposure NodePort or LoadBalancer',
  },
  {
    why: 'REQ-K4: the port of the Service of TURN is one that it relays on',
    spec: {
      turn: {
        exposure: 'NodePort',
        service: { nodePort: 30478 },
        relayPorts: { min: 30000, max: 31000 },
      },
    },
    path: 'spec.turn.service.nodePort',
    says: 'service.nodePort lies inside relayPorts',
  },
  {
    why: 'REQ-K4: the port of the Service of TURN is one of the SFU',
    spec: {
      turn: { exposure: 'LoadBalancer', service: { nodePort: 30478 } },
      sfu: { ports: { min: 30000, max: 31000 } },
    },
    path: 'spec.turn.service.nodePort',
    says: 'turn.service.nodePort lies inside sfu.ports',
  },
  {
    why: 'the address of a load balancer that there is not',
    spec: { turn: { exposure: 'NodePort', service: { host: 'turn.example.com' } } },
    path: 'spec.turn.service.host',
    says: 'needs exposure LoadBalancer',
  },
  {
    why: 'a host name with a scheme',
    spec: { turn: { tls: { host: 'turns:turn.example.com' } } },
    path: 'spec.turn.tls.host',
    says: 'is no host name',
  },
  {
    why: 'first relay port above the last',
    spec: { turn: { relayPorts: { min: 60000, max: 50000 } } },
    path: 'spec.turn.relayPorts.min',
    says: 'min is above max: swap them',
  },
  {
    why: 'first SFU port above the last',
    spec: { sfu: { ports: { min: 41000, max: 40000 } } },
    path: 'spec.sfu.ports.min',
    says: 'min is above max: swap them',
  },
  ...['turn', 'sfu', 'signaling', 'webapp', 'redis'].flatMap((component) => [
    {
      why: `${component}: minReplicas above maxReplicas`,
      spec: { [component]: { autoscaling: { minReplicas: 20, maxReplicas: 2 } } },
      path: `spec.${component}.autoscaling.minReplicas`,
      says: 'raise maxReplicas or lower minReplicas',
    },
    {
      why: `${component}: replicas and autoscaling`,
      spec: { [component]: { replicas: 2, autoscaling: {} } },
      path: `spec.${component}.replicas`,
      says: 'replicas and autoscaling exclude each other: remove one of them',
    },
  ]),
  {
    why: 'TURN listens on a relay port',
    spec: { turn: { listenPort: 50000 } },
    path: 'spec.turn.listenPort',
    says: 'listenPort lies inside relayPorts',
  },
  {
    why: 'TURN listens on an SFU port',
    spec: { turn: { listenPort: 40000 } },
    path: 'spec.turn.listenPort',
    says: 'turn.listenPort lies inside sfu.ports',
  },
  {
    why: 'TURN over TLS listens on a relay port',
    spec: { turn: { tls: { port: 50000 } } },
    path: 'spec.turn.tls.port',
    says: 'tls.port lies inside relayPorts',
  },
  {
    why: 'TURN with and without TLS on one port',
    spec: { turn: { listenPort: 5349 } },
    path: 'spec.turn.listenPort',
    says: 'listenPort equals tls.port',
  },
  {
    why: 'certificate from a Secret and from an issuer',
    spec: { turn: { tls: { secretName: 'a', issuerRef: { name: 'b' } } } },
    path: 'spec.turn.tls.secretName',
    says: 'secretName and issuerRef exclude each other',
  },
  ...['0s', '1d', '90', '', '721h', '99999999999h'].map((drainTimeout) => ({
    why: `a duration "${drainTimeout}"`,
    spec: { turn: { drainTimeout } },
    path: 'spec.turn.drainTimeout',
    says: 'is no duration above 0',
  })),
  ...['https://meet.example.com', 'Meet.example.com', 'meet.example.com:443', ''].map((domain) => ({
    why: `a domain "${domain}"`,
    spec: { domain },
    path: 'spec.domain',
    says: 'write one like meet.example.com',
  })),
  // What ends up in configuration files of coturn and nginx never brings a line of its own.
  {
    why: 'a second line in the domain',
    spec: { domain: 'meet.example.com\nevil' },
    path: 'spec.domain',
    says: 'write one like meet.example.com',
  },
  {
    why: 'a second line in the address of Redis',
    spec: { redis: { mode: 'External', external: { url: 'redis://r:6379/0\nno-auth' } } },
    path: 'spec.redis.external.url',
    says: 'is no address of Redis',
  },
  ...['deniedPeers', 'allowedPeers'].map((field) => ({
    why: `a second line in turn.${field}`,
    spec: { turn: { [field]: ['10.0.0.1\nallowed-peer-ip=0.0.0.0'] } },
    path: `spec.turn.${field}[0]`,
    says: 'is no address range',
  })),
  {
    why: 'a pull secret that is no name',
    spec: { image: { pullSecrets: ['Registry Key'] } },
    path: 'spec.image.pullSecrets[0]',
    says: 'is no name of an object',
  },
  {
    why: 'a ConfigMap with prices that is no name',
    spec: { cost: { prices: { configMap: '' } } },
    path: 'spec.cost.prices.configMap',
    says: 'is no name of an object',
  },
  {
    why: 'a region that is no label',
    spec: { region: 'Frankfurt am Main' },
    path: 'spec.region',
    says: 'write one like eu-central-1',
  },
  ...['redis://redis:6379:6379', 'redis://:6379', 'redis://[redis]:6379'].map((url) => ({
    why: `an address of Redis without a host and a port: ${url}`,
    spec: { redis: { mode: 'External', external: { url } } },
    path: 'spec.redis.external.url',
    says: 'is no address of Redis',
  })),
  {
    why: 'a password in the address of Redis',
    spec: { redis: { mode: 'External', external: { url: 'redis://:secret@redis:6379' } } },
    path: 'spec.redis.external.url',
    says: 'the password into the Secret',
  },
  {
    why: 'a budget with a currency',
    spec: { cost: { budget: { monthly: '500 EUR' } } },
    path: 'spec.cost.budget.monthly',
    says: 'is no amount',
  },
  {
    why: 'an external address that is none',
    spec: { turn: { externalAddresses: ['203.0.113.256'] } },
    path: 'spec.turn.externalAddresses[0]',
    says: 'is no IP address',
  },
  ...['1.2.3', '10.0.0.0/33', '10.0.0.1-', '10.0.0.1-fe80::1', '::ffff:10.0.0.1', '1-2-3'].map(
    (peer) => ({
      why: `a denied peer ${peer}`,
      spec: { turn: { deniedPeers: ['10.0.0.0/8', peer] } },
      path: 'spec.turn.deniedPeers[1]',
      says: 'is no address range',
    }),
  ),
  {
    why: 'External redis without an address',
    spec: { redis: { mode: 'External' } },
    path: 'spec.redis.external',
    says: 'give external.url, external.secretName or both, or take mode Managed',
  },
  {
    why: 'MySQL without a Secret',
    spec: { store: { mode: 'MySQL' } },
    path: 'spec.store.mysql.secretName',
    says: 'mode MySQL needs mysql.secretName',
  },
  {
    why: 'an identity provider that is no URL',
    spec: { signaling: { auth: { oidc: { issuer: 'http://id.example.com' } } } },
    path: 'spec.signaling.auth.oidc.issuer',
    says: 'is no URL of an identity provider',
  },
  {
    why: 'a sign-in that asks for no identity',
    spec: { signaling: { auth: { oidc: { scope: 'profile openidx' } } } },
    path: 'spec.signaling.auth.oidc.scope',
    says: 'has no openid',
  },
  {
    why: 'a proxy that is a range in a form proxies are not known by',
    spec: { signaling: { trustedProxies: ['10.0.0.1-10.0.0.9'] } },
    path: 'spec.signaling.trustedProxies[0]',
    says: 'is no network',
  },
  {
    why: 'an error tracker without a key',
    spec: { monitoring: { errors: { dsn: 'https://errors.example.com/1' } } },
    path: 'spec.monitoring.errors.dsn',
    says: 'is no DSN',
  },
  {
    why: 'OIDC without a provider',
    spec: { signaling: { auth: { mode: 'OIDC' } } },
    path: 'spec.signaling.auth.oidc',
    says: 'mode OIDC needs oidc.issuer and oidc.clientId',
  },
  {
    why: 'prices from a preset and from a ConfigMap',
    spec: { cost: { prices: { preset: 'aws/eu-central-1', configMap: 'prices' } } },
    path: 'spec.cost.prices.preset',
    says: 'preset and configMap exclude each other',
  },
  {
    why: 'a node port of a ClusterIP Service',
    spec: { webapp: { service: { nodePort: 30080 } } },
    path: 'spec.webapp.service.nodePort',
    says: 'nodePort needs type NodePort or LoadBalancer',
  },
  {
    why: 'an Ingress in front of no web page',
    spec: { webapp: { enabled: false, ingress: { enabled: true } } },
    path: 'spec.webapp.ingress.enabled',
    says: 'webapp.ingress.enabled needs webapp.enabled',
  },
]

/** Every field of the resource, with values that go together. */
export const completeSpec = {
  domain: 'meet.example.com',
  region: 'eu-central-1',
  image: { registry: '', tag: '', pullPolicy: 'IfNotPresent', pullSecrets: [] },
  mesh: { maxParticipants: 4 },
  turn: {
    autoscaling: { minReplicas: 1, maxReplicas: 4, targetCPUUtilization: 70, targetRelayMbps: 400 },
    exposure: 'HostNetwork',
    externalAddresses: [],
    listenPort: 3478,
    tls: { secretName: '' },
    relayPorts: { min: 49152, max: 65535 },
    credentials: { ttl: '1h', rotation: '720h' },
    quotas: { allocationsPerUser: 8, maxKbpsPerSession: 0 },
    deniedPeers: [],
    drainTimeout: '1h',
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    tolerations: [{ key: 'media', operator: 'Equal', value: 'true', effect: 'NoExecute' }],
  },
  sfu: { engine: 'LiveKit', ports: { min: 40000, max: 49151 }, drainTimeout: '4h', replicas: 2 },
  signaling: {
    auth: {
      mode: 'OIDC',
      guests: 'Admit',
      oidc: {
        issuer: 'https://id.example.com/realms/staff',
        clientId: 'parley',
        scope: 'openid profile groups',
        rolesClaim: 'realm_access.roles',
        hostRole: 'meet-host',
        adminRole: 'meet-admin',
        memberRole: 'staff',
        tenantClaim: 'org',
        origins: ['https://tokens.example.com'],
      },
    },
    rateLimits: { messagesPerSecond: 50 },
    trustedProxies: ['10.20.0.0/16', '2001:db8::7'],
    drainTimeout: '60s',
    replicas: 2,
  },
  webapp: { enabled: true, autoscaling: { minReplicas: 1, maxReplicas: 2 } },
  redis: {
    mode: 'Managed',
    external: { url: '', secretName: '' },
    replicas: 1,
    nodeSelector: { pool: 'data' },
    podAnnotations: { 'example.com/note': 'x' },
    resources: { requests: { cpu: 1, memory: '1Gi' }, limits: {} },
  },
  store: { mode: 'Embedded', size: '10Gi', mysql: { secretName: '' } },
  cost: {
    prices: { preset: 'aws/eu-central-1' },
    reportInterval: '1h',
    budget: { monthly: '500' },
  },
  monitoring: {
    serviceMonitor: 'Auto',
    dashboards: true,
    rules: false,
    errors: {
      dsn: 'https://key@errors.example.com/1',
      pageDsn: 'https://other@errors.example.com:8443/2',
    },
  },
  networkPolicy: { enabled: true },
}
