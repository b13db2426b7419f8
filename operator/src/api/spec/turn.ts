import { z } from 'zod'
import {
  duration,
  ipAddress,
  ipRange,
  optionalName,
  placement,
  port,
  portRange,
  replicasOrAutoscaling,
  scaling,
  text,
} from '../fields.ts'
import { AS_WHOLE, withRules } from '../rule.ts'

const HOST_NAME_OR_NONE = /^(([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/

/** coturn runs as nobody in particular, on the network of its node. */
const LOW_PORTS =
  'Below 1024 only where the nodes let everybody have such ports (sysctl net.ipv4.ip_unprivileged_port_start).'

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
      cel: "!has(self.issuerRef) || !has(self.secretName) || self.secretName == ''",
      check: (self) => self.secretName === '' || self.issuerRef === undefined,
      message: 'secretName and issuerRef exclude each other: remove one of them',
      field: 'secretName',
    },
  ],
)
  .meta(AS_WHOLE)
  .prefault({})
  .describe('TURN over TLS; off while neither secretName nor issuerRef is given.')

export const turn = withRules(
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
      .meta(AS_WHOLE)
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
            'Allocations that one participant may hold for each connection of a mesh room, of which there are taken to be seven: a browser takes one for each TURN address, transport and network interface; 0: no limit.',
          ),
        maxKbpsPerSession: z
          .int()
          .min(0)
          .max(10_000_000)
          .default(0)
          .describe('Kilobits per second that one allocation may relay; 0: no limit.'),
      })
      .meta(AS_WHOLE)
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
        'Exceptions to the denied peers, built-in ones too: the private network of participants who are not relayed, for example. Loopback and link-local addresses, and with them the metadata services of clouds, stay denied whatever stands here. Nodes that have a pod of TURN or the SFU are allowed besides.',
      ),
    drainTimeout: duration(
      'How long a TURN pod that goes away waits for its allocations. It is in no TURN URL meanwhile.',
      '1h',
      '720h',
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
      cel: '!has(self.service.nodePort) || self.service.nodePort < self.relayPorts.min || self.service.nodePort > self.relayPorts.max',
      check: ({ service: { nodePort }, relayPorts }) =>
        nodePort === undefined || nodePort < relayPorts.min || nodePort > relayPorts.max,
      message:
        'service.nodePort lies inside relayPorts, and both are ports of the node: move one of them, for example service.nodePort to 30478',
      field: 'service.nodePort',
    },
    {
      cel: "!has(self.service.host) || self.service.host == '' || self.exposure == 'LoadBalancer'",
      check: ({ service, exposure }) => service.host === '' || exposure === 'LoadBalancer',
      message:
        'service.host needs exposure LoadBalancer: set exposure, or take externalAddresses instead',
      field: 'service.host',
    },
  ],
)
  .prefault({})
  .describe('The TURN servers (coturn), which relay for browsers that cannot reach each other.')
