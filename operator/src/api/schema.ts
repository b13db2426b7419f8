import { z } from 'zod'
import {
  duration,
  ipAddress,
  ipRange,
  objectName,
  optionalName,
  placement,
  port,
  portRange,
  replicasOrAutoscaling,
  scaling,
  text,
} from './fields.ts'
import { API_VERSION, KIND } from './names.ts'
import { immutable, withRules } from './rule.ts'

/**
 * The MeetingCluster, said once: types, defaults, rules and texts of the CRD, of `parley render` and
 * of the reference in docs/ all come from here.
 */

const HOST_NAME_OR_NONE = /^(([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/

/** For fields that are part of v1alpha1 and that nothing acts on yet. */
const NOT_YET = 'Not in effect in this version.'

/** coturn runs as nobody in particular, on the network of its node. */
const LOW_PORTS =
  'Below 1024 only where the nodes let everybody have such ports (sysctl net.ipv4.ip_unprivileged_port_start).'

const image = z
  .strictObject({
    registry: text(
      255,
      /^[A-Za-z0-9._:/-]*$/,
      'is no registry: write a host and a path, like registry.example.com/parley',
    )
      .default('')
      .describe('Registry and path before the image names; empty: as the operator was installed.'),
    tag: text(128, /^[A-Za-z0-9._-]*$/, 'is no image tag: write letters, digits, ".", "_" and "-"')
      .default('')
      .describe('Tag of all images; empty: as the operator was installed.'),
    pullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .describe('When a node pulls an image.'),
    pullSecrets: z
      .array(objectName())
      .max(16)
      .default([])
      .describe('Names of Secrets with credentials for the registry.'),
  })
  .prefault({})
  .describe('Where the images come from.')

const mesh = z
  .strictObject({
    maxParticipants: z
      .int()
      .min(2)
      .max(8)
      .default(4)
      .describe(
        'Largest room in which every browser sends to every other one. Larger rooms go to the SFU.',
      ),
  })
  .prefault({})
  .describe('Rooms without a media server.')

const turnTls = withRules(
  z.strictObject({
    secretName: optionalName().describe(
      'Secret of type kubernetes.io/tls with the certificate of TURN over TLS.',
    ),
    host: text(
      253,
      HOST_NAME_OR_NONE,
      'is no host name: write one like turn.example.com, in lower case, without scheme and port',
    )
      .default('')
      .describe(
        'Host name of TURN over TLS: the certificate is for it, and in the DNS it leads to the TURN pods; empty: that of domain.',
      ),
    issuerRef: z
      .strictObject({
        name: z.string().min(1).max(253).describe('Name of the issuer.'),
        kind: z.enum(['Issuer', 'ClusterIssuer']).default('Issuer').describe('Kind of the issuer.'),
        group: z.string().max(253).default('cert-manager.io').describe('API group of the issuer.'),
      })
      .optional()
      .describe('Issuer of cert-manager that makes the certificate.'),
    port: port().default(5349).describe(`Port of TURN over TLS, on TCP. ${LOW_PORTS}`),
  }),
  [
    {
      cel: "self.secretName == '' || !has(self.issuerRef)",
      check: (self) => self.secretName === '' || self.issuerRef === undefined,
      message: 'secretName and issuerRef exclude each other: remove one of them',
      field: 'secretName',
    },
  ],
)
  .prefault({})
  .describe('TURN over TLS; off while neither secretName nor issuerRef is given.')

const turn = withRules(
  z.strictObject({
    ...scaling('turn', {
      targetRelayMbps: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(400)
        .describe(
          'Relayed megabits per second and pod that the autoscaler keeps to, where the operator serves that metric.',
        ),
      targetAllocations: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'TURN allocations per pod that the autoscaler keeps to, where the operator serves that metric.',
        ),
    }),
    ...placement({
      requests: { cpu: '250m', memory: '128Mi' },
      limits: { memory: '1Gi' },
    }),
    exposure: z
      .enum(['HostNetwork', 'LoadBalancer', 'NodePort'])
      .default('HostNetwork')
      .describe(
        'How clients reach the TURN listener: HostNetwork at the addresses of the nodes, NodePort there at the port of a Service, LoadBalancer at the address of a Service. Relay ports are always those of the node: no load balancer carries thousands of ports.',
      ),
    service: z
      .strictObject({
        host: text(
          253,
          /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*)?$/,
          'is neither a host name nor an address: write one like turn.example.com or 203.0.113.7',
        )
          .default('')
          .describe(
            'Where clients reach the Service of exposure LoadBalancer; empty: where its status says.',
          ),
        nodePort: port()
          .optional()
          .describe(
            'Port of the nodes for the listener, on UDP and TCP; left out, Kubernetes takes one.',
          ),
        annotations: z
          .record(z.string(), z.string())
          .default({})
          .describe('Annotations of the Service, for the load balancer of a cloud.'),
      })
      .prefault({})
      .describe('The Service in front of the TURN listener.'),
    externalAddresses: z
      .array(ipAddress())
      .max(64)
      .default([])
      .describe(
        'Addresses that clients reach the pods at: one for all, or one for each node in the order of node names. Empty: for the listener of exposure LoadBalancer the address of its Service, for all else the ExternalIP of each node.',
      ),
    listenPort: port()
      .default(3478)
      .describe(`Port of TURN and STUN, on UDP and TCP. ${LOW_PORTS}`),
    tls: turnTls,
    relayPorts: portRange('UDP ports of the nodes that relayed media uses.', {
      min: 49152,
      max: 65535,
    }),
    credentials: z
      .strictObject({
        ttl: duration('How long a TURN credential given to a browser is good for.', '1h'),
        rotation: duration(
          'Age at which the TURN secret, the key of join tokens and that of LiveKit are replaced, each up to a tenth earlier and never before what was made with the one before is over. No call notices. The annotation parley.dev/rotate of the MeetingCluster does it at once, for each new value.',
          '720h',
        ),
      })
      .prefault({})
      .describe('Lifetime of TURN credentials, and of the secrets behind all credentials.'),
    quotas: z
      .strictObject({
        allocationsPerUser: z
          .int()
          .min(0)
          .max(10_000)
          .default(8)
          .describe(
            'Allocations that one participant may hold for each connection of a mesh room: a browser takes one for each TURN address, transport and network interface; 0: no limit.',
          ),
        maxKbpsPerSession: z
          .int()
          .min(0)
          .max(10_000_000)
          .default(0)
          .describe('Kilobits per second that one allocation may relay; 0: no limit.'),
      })
      .prefault({})
      .describe('What one participant may take.'),
    deniedPeers: z
      .array(ipRange())
      .max(256)
      .default([])
      .describe(
        'Addresses, CIDRs or first-last ranges that nothing is relayed to, added to the built-in list: private, loopback, link-local and metadata, shared, multicast and reserved networks.',
      ),
    allowedPeers: z
      .array(ipRange())
      .max(256)
      .default([])
      .describe(
        'Exceptions to the denied peers, built-in ones too: the private network of participants who are not relayed, for example. The addresses of the nodes are always allowed: a TURN pod may be on any of them.',
      ),
    drainTimeout: duration(
      'How long a TURN pod that goes away waits for its allocations. It is in no TURN URL meanwhile.',
      '1h',
    ),
  }),
  [
    replicasOrAutoscaling,
    {
      cel: 'self.listenPort < self.relayPorts.min || self.listenPort > self.relayPorts.max',
      check: ({ listenPort, relayPorts }) =>
        listenPort < relayPorts.min || listenPort > relayPorts.max,
      message:
        'listenPort lies inside relayPorts: move one of them, for example listenPort to 3478',
      field: 'listenPort',
    },
    {
      cel: 'self.tls.port < self.relayPorts.min || self.tls.port > self.relayPorts.max',
      check: ({ tls, relayPorts }) => tls.port < relayPorts.min || tls.port > relayPorts.max,
      message: 'tls.port lies inside relayPorts: move one of them, for example tls.port to 5349',
      field: 'tls.port',
    },
    {
      cel: 'self.listenPort != self.tls.port',
      check: ({ listenPort, tls }) => listenPort !== tls.port,
      message: 'listenPort equals tls.port: give TURN over TLS a port of its own, for example 5349',
      field: 'listenPort',
    },
    {
      cel: "!has(self.service.nodePort) || self.exposure != 'HostNetwork'",
      check: ({ service, exposure }) =>
        service.nodePort === undefined || exposure !== 'HostNetwork',
      message:
        'service.nodePort needs exposure NodePort or LoadBalancer: set exposure, or remove nodePort',
      field: 'service.nodePort',
    },
    {
      cel: "self.service.host == '' || self.exposure == 'LoadBalancer'",
      check: ({ service, exposure }) => service.host === '' || exposure === 'LoadBalancer',
      message:
        'service.host needs exposure LoadBalancer: set exposure, or take externalAddresses instead',
      field: 'service.host',
    },
  ],
)
  .prefault({})
  .describe('The TURN servers (coturn), which relay for browsers that cannot reach each other.')

const sfu = withRules(
  z.strictObject({
    engine: z
      .enum(['LiveKit', 'Mediasoup', 'None'])
      .default('LiveKit')
      .describe(
        'Media server for rooms above mesh.maxParticipants; None: there are no such rooms.',
      ),
    ...scaling('sfu', {
      targetTracks: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Media tracks per pod, received and sent, that the autoscaler keeps to, where the operator serves that metric.',
        ),
      targetRooms: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Rooms per pod that the autoscaler keeps to, where the operator serves that metric.',
        ),
    }),
    ...placement({
      requests: { cpu: '2', memory: '4Gi' },
      limits: { cpu: '4', memory: '8Gi' },
    }),
    externalAddresses: z
      .array(ipAddress())
      .max(64)
      .default([])
      .describe(
        'Addresses that clients reach the pods at: one for all, or one for each node in the order of node names. Empty: turn.externalAddresses (not with exposure LoadBalancer), else the ExternalIP of each node.',
      ),
    ports: portRange(
      'UDP ports of the nodes that media uses. No node gets two pods whose ranges touch the same block of 1024 ports. Besides, 7880, 7881 and 6789 are taken, on TCP.',
      { min: 40000, max: 49151 },
    ),
    drainTimeout: duration(
      'How long an SFU pod that goes away waits for its rooms. Those that are left then move to another pod, with a short break.',
      '4h',
    ),
  }),
  [replicasOrAutoscaling],
)
  .prefault({})
  .describe('The media servers that forward streams in larger rooms.')

const signalingAuth = withRules(
  z.strictObject({
    mode: z
      .enum(['Token', 'OIDC'])
      .default('Token')
      .describe(
        'Token: whoever has the link of a room gets a join token. OIDC: only after signing in at the identity provider.',
      ),
    oidc: z
      .strictObject({
        issuer: text(
          2048,
          /^(https:\/\/\S+)?$/,
          'is no URL of an identity provider: write one like https://id.example.com',
        )
          .default('')
          .describe('URL of the identity provider.'),
        clientId: z
          .string()
          .max(256)
          .default('')
          .describe('Client id of this MeetingCluster there.'),
      })
      .prefault({})
      .describe('The identity provider of mode OIDC.'),
  }),
  [
    {
      cel: "self.mode != 'OIDC' || (self.oidc.issuer != '' && self.oidc.clientId != '')",
      check: ({ mode, oidc }) => mode !== 'OIDC' || (oidc.issuer !== '' && oidc.clientId !== ''),
      message: 'mode OIDC needs oidc.issuer and oidc.clientId: give both, or take mode Token',
      field: 'oidc',
    },
  ],
)
  .prefault({})
  .describe('Who may join.')

const signaling = withRules(
  z.strictObject({
    ...scaling('signaling', {
      targetSockets: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Sockets per pod that the autoscaler keeps to, where the operator serves that metric.',
        ),
    }),
    ...placement({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { memory: '512Mi' },
    }),
    auth: signalingAuth,
    allowedOrigins: z
      .array(
        text(
          270,
          /^(\*|https?:\/\/[A-Za-z0-9.:[\]-]+)$/,
          'is no origin: write one like https://meet.example.com, or "*" for all',
        ),
      )
      .max(64)
      .default([])
      .describe(
        'Origins of pages that may connect; empty: https://<domain>. "*" allows every page.',
      ),
    rateLimits: z
      .strictObject({
        messagesPerSecond: z
          .int()
          .min(1)
          .max(10_000)
          .default(50)
          .describe('Messages per second that one socket may send.'),
      })
      .prefault({})
      .describe('What one socket may send.'),
    drainTimeout: duration(
      'How long a signaling pod that goes away waits for its sockets to move.',
      '60s',
    ),
  }),
  [replicasOrAutoscaling],
)
  .prefault({})
  .describe('The servers that browsers talk to before and beside the media.')

const webapp = withRules(
  z.strictObject({
    enabled: z.boolean().default(true).describe('Whether the bundled web page is served.'),
    ...scaling('webapp', {}),
    ...placement({
      requests: { cpu: '25m', memory: '32Mi' },
      limits: { memory: '128Mi' },
    }),
    service: withRules(
      z.strictObject({
        type: z
          .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
          .default('ClusterIP')
          .describe('Type of the Service in front of the web page.'),
        nodePort: port().optional().describe('Port of the nodes; left out, Kubernetes takes one.'),
        annotations: z
          .record(z.string(), z.string())
          .default({})
          .describe('Annotations of the Service, for the load balancer of a cloud.'),
      }),
      [
        {
          cel: "!has(self.nodePort) || self.type != 'ClusterIP'",
          check: ({ nodePort, type }) => nodePort === undefined || type !== 'ClusterIP',
          message: 'nodePort needs type NodePort or LoadBalancer: set type, or remove nodePort',
          field: 'nodePort',
        },
      ],
    )
      .prefault({})
      .describe('How the web page is reached without an Ingress.'),
    ingress: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Whether an Ingress for the domain is made.'),
        className: optionalName().describe('Ingress class; empty: the default one of the cluster.'),
        tlsSecretName: optionalName().describe(
          'Secret with the certificate of the domain. With an annotation of cert-manager on the Ingress, cert-manager makes it.',
        ),
        annotations: z
          .record(z.string(), z.string())
          .default({})
          .describe('Annotations of the Ingress.'),
      })
      .prefault({})
      .describe('The Ingress in front of the web page.'),
  }),
  [replicasOrAutoscaling],
)
  .prefault({})
  .describe('The web page that people meet with, which also passes /api and /socket.io on.')

const volume = {
  size: (byDefault: string) =>
    text(32, /^[1-9][0-9]*([KMGTPE]i|[kMGTPE])?$/, 'is no size: write one like 10Gi').default(
      byDefault,
    ),
  storageClassName: () => optionalName().describe('Storage class; empty: the default one.'),
}

const redis = withRules(
  z.strictObject({
    mode: z
      .enum(['Managed', 'External'])
      .default('Managed')
      .describe(
        'Managed: one Redis pod with a persistent volume. External: a Redis that exists already.',
      ),
    external: z
      .strictObject({
        url: text(
          512,
          /^(rediss?:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f.:]+\])(:[0-9]{1,5})?(\/[0-9]*)?)?$/,
          'is no address of Redis: write redis://host:6379/0 (or rediss, with TLS), and the password into the Secret',
        )
          .default('')
          .describe(
            'redis://host:port/database (rediss with TLS), without a password: that belongs into the Secret. coturn of this version speaks neither TLS nor the names of Redis users: with those, calls work and what is relayed is not metered. MeetingClusters that share a Redis take a database each.',
          ),
        secretName: optionalName().describe(
          'Secret with the key password, to go with url; or with the key url, the whole of it, like redis://user:password@host:6379/0. With the key ca: certificates (PEM) that the server of a rediss address comes from, beside those that everybody trusts. When it changes, the pods that use it are rolled.',
        ),
      })
      .prefault({})
      .describe('The Redis of mode External.'),
    size: volume.size('1Gi').describe('Size of the volume of the managed Redis.'),
    storageClassName: volume.storageClassName(),
    ...scaling('redis', {}),
    ...placement({
      requests: { cpu: '50m', memory: '64Mi' },
      limits: { memory: '512Mi' },
    }),
  }),
  [
    replicasOrAutoscaling,
    {
      cel: "self.mode != 'External' || self.external.url != '' || self.external.secretName != ''",
      check: ({ mode, external }) =>
        mode !== 'External' || external.url !== '' || external.secretName !== '',
      message:
        'mode External needs an address: give external.url, external.secretName or both, or take mode Managed',
      field: 'external',
    },
  ],
)
  .prefault({})
  .describe(
    'Redis, through which signaling pods reach each other and coturn reports. The managed one is a single pod whatever replicas or autoscaling say; for more, take mode External.',
  )

const store = withRules(
  z.strictObject({
    mode: z
      .enum(['Embedded', 'MySQL'])
      .default('Embedded')
      .describe(
        'Embedded: SQLite on a volume of the meter. MySQL: a database that exists already.',
      ),
    size: volume.size('10Gi').describe('Size of the volume of mode Embedded.'),
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe(
        'What becomes of the volume of mode Embedded when the MeetingCluster is deleted. Retain: it stays, with the record of what was metered; another MeetingCluster of that name takes it up again. Delete: it goes too.',
      ),
    storageClassName: volume.storageClassName(),
    mysql: z
      .strictObject({
        secretName: optionalName().describe(
          "Secret with the key url, like mysql://user:password@host:3306/parley, or the keys host, port, user, password and database; and, for an encrypted connection, ca: the certificate (PEM) that the server's comes from. The user needs all rights on its database, which meters of several MeetingClusters may share.",
        ),
        port: port()
          .default(3306)
          .describe('Port of the database: the meter may go out to this one.'),
      })
      .prefault({})
      .describe('The database of mode MySQL.'),
  }),
  [
    {
      cel: "self.mode != 'MySQL' || self.mysql.secretName != ''",
      check: ({ mode, mysql }) => mode !== 'MySQL' || mysql.secretName !== '',
      message:
        'mode MySQL needs mysql.secretName, a Secret with the address of the database: give it, or take mode Embedded',
      field: 'mysql.secretName',
    },
  ],
)
  .prefault({})
  .describe('Where the meter keeps what was relayed and what it cost.')

const meter = z
  .strictObject(
    placement({
      requests: { cpu: '50m', memory: '96Mi' },
      limits: { memory: '512Mi' },
    }),
  )
  .prefault({})
  .describe('The meter, which accounts for relayed traffic. It is always one pod.')

const cost = z
  .strictObject({
    prices: withRules(
      z.strictObject({
        preset: text(
          128,
          /^[a-z0-9-]+\/[a-z0-9-]+$/,
          'is no price preset: write provider/region, like aws/eu-central-1',
        )
          .optional()
          .describe('A price list that comes with Parley, as provider/region.'),
        configMap: objectName()
          .optional()
          .describe('ConfigMap with a price list of your own in the key prices.yaml.'),
      }),
      [
        {
          cel: '!(has(self.preset) && has(self.configMap))',
          check: ({ preset, configMap }) => preset === undefined || configMap === undefined,
          message: 'preset and configMap exclude each other: remove one of them',
          field: 'preset',
        },
      ],
    )
      .prefault({})
      .describe(
        'What relaying costs. Where neither is given: the preset aws/<region>, or aws/us-east-1 where there is none of that name.',
      ),
    reportInterval: duration(`How often the relay-cost report is renewed. ${NOT_YET}`, '1h'),
    budget: z
      .strictObject({
        monthly: text(
          32,
          /^[0-9]+(\.[0-9]+)?$/,
          'is no amount: write one like "500" or "499.90"',
        ).describe('Amount per calendar month, in the currency of the prices, as a string: "500".'),
      })
      .optional()
      .describe(
        'What relaying should cost at most: an alert warns when its pace is above. It never stops a call.',
      ),
  })
  .prefault({})
  .describe('How the cost of relaying is worked out.')

const autoOrBoolean = (byDefault: 'Auto' | boolean, description: string) =>
  z
    .literal(['Auto', true, false])
    .default(byDefault)
    .describe(`${description} Auto: where the cluster knows the kind.`)
    // A value that is a string or a boolean has no type in a structural schema.
    .meta({ 'x-kubernetes-preserve-unknown-fields': true })

const monitoring = z
  .strictObject({
    serviceMonitor: autoOrBoolean('Auto', 'ServiceMonitors for the Prometheus operator.'),
    dashboards: autoOrBoolean(
      true,
      'A Grafana dashboard as a ConfigMap with the label grafana_dashboard.',
    ),
    rules: autoOrBoolean(
      true,
      'Recording rules and alerts as a PrometheusRule. true: where the cluster does not know that kind, as a ConfigMap with the key parley.rules.yaml.',
    ),
  })
  .prefault({})
  .describe('Objects for Prometheus and Grafana.')

const networkPolicy = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether NetworkPolicies allow just the flows that the stack needs.'),
  })
  .prefault({})
  .describe('Isolation of the pods.')

/** Signaling and API, media over TCP, and metrics of LiveKit, on the host network. */
const SFU_TCP_PORTS = [7880, 7881, 6789]

interface TurnPorts {
  listenPort: number
  tls: { port: number }
}

export const specSchema = withRules(
  z.strictObject({
    domain: text(
      253,
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
      'is no host name: write one like meet.example.com, in lower case, without scheme and port',
    ).describe('Host name at which people meet, like meet.example.com: no scheme, no port.'),
    region: immutable(
      text(63, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'is no region: write one like eu-central-1'),
      'region is immutable: what was metered belongs to it; create another MeetingCluster',
    ).describe('Region, as a label of metrics and key of the price preset. Immutable.'),
    image,
    mesh,
    turn,
    sfu,
    signaling,
    webapp,
    redis,
    store,
    meter,
    cost,
    monitoring,
    networkPolicy,
  }),
  [
    {
      cel: 'self.turn.relayPorts.max < self.sfu.ports.min || self.sfu.ports.max < self.turn.relayPorts.min',
      check: ({ turn, sfu }) =>
        turn.relayPorts.max < sfu.ports.min || sfu.ports.max < turn.relayPorts.min,
      message:
        'turn.relayPorts and sfu.ports overlap, and both are ports of the node: move one of them, for example turn.relayPorts to 49152-65535 and sfu.ports to 40000-49151',
      field: 'turn.relayPorts',
    },
    {
      cel: 'self.turn.listenPort < self.sfu.ports.min || self.turn.listenPort > self.sfu.ports.max',
      check: ({ turn, sfu }) => turn.listenPort < sfu.ports.min || turn.listenPort > sfu.ports.max,
      message:
        'turn.listenPort lies inside sfu.ports: move one of them, for example turn.listenPort to 3478',
      field: 'turn.listenPort',
    },
    ...(['listenPort', 'tls.port'] as const).map((field) => ({
      cel: `self.sfu.engine != 'LiveKit' || !(self.turn.${field} in [${SFU_TCP_PORTS.join(', ')}])`,
      check: ({ turn, sfu }: { turn: TurnPorts; sfu: { engine: string } }) =>
        sfu.engine !== 'LiveKit' ||
        !SFU_TCP_PORTS.includes(field === 'listenPort' ? turn.listenPort : turn.tls.port),
      message: `turn.${field} is a port of the SFU, which takes ${SFU_TCP_PORTS.join(', ')} of its nodes: take ${field === 'listenPort' ? 3478 : 5349}`,
      field: `turn.${field}`,
    })),
    {
      cel: '!self.webapp.ingress.enabled || self.webapp.enabled',
      check: ({ webapp }) => !webapp.ingress.enabled || webapp.enabled,
      message:
        'webapp.ingress.enabled needs webapp.enabled: enable the web page, or disable the Ingress',
      field: 'webapp.ingress.enabled',
    },
  ],
).describe('What is wanted.')

const count = () => z.int().min(0)

/** A decimal amount of money: a string, because a CRD should hold no floating-point number. */
const money = () => z.string().max(32)

const condition = z.strictObject({
  type: z.string().min(1).max(316).describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().max(1024).describe('Why, in one word.'),
  message: z.string().max(32768).describe('Why, for people: what is awaited or what to do.'),
  lastTransitionTime: z
    .string()
    .meta({ format: 'date-time' })
    .describe('When the status last changed.'),
  observedGeneration: count().optional().describe('Generation of the spec it was judged by.'),
})

const componentStatus = z.strictObject({
  desired: count().describe('Pods wanted.'),
  ready: count().describe('Pods that are ready.'),
  updated: count().optional().describe('Pods of the newest version.'),
  image: z.string().optional().describe('Image that the newest version runs.'),
  message: z.string().optional().describe('What is awaited.'),
})

export const statusSchema = z
  .strictObject({
    observedGeneration: count().optional().describe('Generation of the spec this status is for.'),
    conditions: z
      .array(condition)
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe('Ready, Reconciling, Stalled, and one for each component.'),
    components: z
      .record(z.string(), componentStatus)
      .optional()
      .describe('Pods by component: turn, sfu, signaling, webapp, redis, meter.'),
    endpoints: z
      .strictObject({
        web: z.string().optional().describe('URL of the web page.'),
        turn: z.array(z.string()).optional().describe('TURN URLs that browsers are given.'),
      })
      .optional()
      .describe('Where the stack is reached.'),
    rooms: count().optional().describe('Rooms with somebody in them.'),
    selector: z
      .string()
      .optional()
      .describe('Label selector of the TURN pods, which the scale subresource is about.'),
    relay: z
      .strictObject({
        allocations: count().describe('TURN allocations now.'),
        users: count().describe('Participants on relay now.'),
        costPerHour: money().describe('Cost of relaying at the present rate, per hour.'),
        monthToDate: money().describe('Cost of relaying since the month began (UTC).'),
        currency: z.string().optional().describe('Currency of both amounts.'),
        asOf: z
          .string()
          .meta({ format: 'date-time' })
          .optional()
          .describe('When the meter was last read.'),
      })
      .optional()
      .describe('What is relayed now, and what it costs, as the meter says.'),
  })
  .describe('What is there.')

export const meetingClusterSchema = withRules(
  z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(KIND),
    metadata: z.looseObject({
      name: z.string(),
      namespace: z.string().optional(),
      uid: z.string().optional(),
      generation: z.int().optional(),
      resourceVersion: z.string().optional(),
      deletionTimestamp: z.string().optional(),
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
    spec: specSchema,
    status: statusSchema.optional(),
  }),
  [
    {
      // Names of Services and labels of pods are made of it: "-signaling" and hashes follow.
      cel: "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      check: ({ metadata: { name } }) =>
        name.length <= 40 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name),
      message:
        'metadata.name must be 40 characters at most, lower-case letters, digits and "-", beginning with a letter: choose another name',
    },
  ],
).describe(
  'A MeetingCluster is a WebRTC meeting stack: TURN, SFU, signaling, web page, and the meter that says what relaying costs.',
)

export type MeetingClusterSpec = z.output<typeof specSchema>
/** A spec as people write it, with defaults left out. */
export type MeetingClusterSpecInput = z.input<typeof specSchema>
export type MeetingClusterStatus = z.output<typeof statusSchema>
export type Condition = z.output<typeof condition>
export type ComponentStatus = z.output<typeof componentStatus>
export type MeetingCluster = z.output<typeof meetingClusterSchema>
