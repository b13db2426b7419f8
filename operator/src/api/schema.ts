import { z } from 'zod'
import { objectName, text } from './fields.ts'
import { API_VERSION, KIND, LARGEST_MESH } from './names.ts'
import { AS_WHOLE, immutable, withRules } from './rule.ts'
import { SFU_PORTS } from './sfu.ts'
import { cost, meter } from './spec/accounting.ts'
import { sfu } from './spec/sfu.ts'
import { signaling } from './spec/signaling.ts'
import { redis, store } from './spec/stores.ts'
import { turn } from './spec/turn.ts'
import { webapp } from './spec/webapp.ts'

/**
 * The MeetingCluster, said once: types, defaults, rules and texts of the CRD, of `parley render` and
 * of the reference in docs/ all come from here.
 */

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
      .max(LARGEST_MESH)
      .default(4)
      .describe(
        'Largest room in which every browser sends to every other one. Larger rooms go to the SFU.',
      ),
  })
  .prefault({})
  .describe('Rooms without a media server.')

const autoOrBoolean = (byDefault: 'Auto' | boolean, description: string) =>
  z
    .literal(['Auto', true, false])
    .default(byDefault)
    .describe(`${description} Auto: where the cluster knows the kind.`)
    // A value that is a string or a boolean has no type in a structural schema.
    .meta({ 'x-kubernetes-preserve-unknown-fields': true })

const dsn = (description: string) =>
  text(
    1024,
    /^(https?:\/\/[^\s/@]+@\S+)?$/,
    'is no DSN: write one like https://key@errors.example.com/1',
  )
    .default('')
    .describe(description)

const monitoring = z
  .strictObject({
    errors: z
      .strictObject({
        dsn: dsn('DSN that signaling reports its faults to; empty: nowhere.'),
        pageDsn: dsn(
          'DSN that the web page reports its faults to, which everybody can read there; empty: nowhere.',
        ),
      })
      .meta(AS_WHOLE)
      .prefault({})
      .describe(
        'An error tracker that speaks the protocol of Sentry. It is told of faults, without names, tokens or media.',
      ),
    serviceMonitor: autoOrBoolean('Auto', 'ServiceMonitors for the Prometheus operator.'),
    http: z
      .boolean()
      .default(true)
      .describe('Whether requests are counted, by route, for the history and the admin page.'),
    calls: z
      .boolean()
      .default(true)
      .describe('Whether pages say how their calls are, for the history and the admin page.'),
    admin: z
      .boolean()
      .default(true)
      .describe(
        'Whether admins are let onto the admin page; calls and what is counted stay as they are.',
      ),
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
  .describe('Objects for Prometheus and Grafana, what is counted, and where faults are reported.')

const networkPolicy = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether NetworkPolicies allow just the flows that the stack needs.'),
  })
  .prefault({})
  .describe('Isolation of the pods.')

const SFU_TCP_PORTS: readonly number[] = Object.values(SFU_PORTS)

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
      // First what holds by default: the API server copies the schema of each object that it looks into.
      cel: 'self.sfu.ports.max < self.turn.relayPorts.min || self.turn.relayPorts.max < self.sfu.ports.min',
      check: ({ turn, sfu }) =>
        sfu.ports.max < turn.relayPorts.min || turn.relayPorts.max < sfu.ports.min,
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
    {
      cel: '!has(self.turn.service.nodePort) || self.turn.service.nodePort < self.sfu.ports.min || self.turn.service.nodePort > self.sfu.ports.max',
      check: ({ turn: { service }, sfu: { ports } }) =>
        service.nodePort === undefined ||
        service.nodePort < ports.min ||
        service.nodePort > ports.max,
      message:
        'turn.service.nodePort lies inside sfu.ports, and both are ports of the node: move one of them, for example sfu.ports to 40000-49151',
      field: 'turn.service.nodePort',
    },
    ...(['listenPort', 'tls.port'] as const).map((field) => ({
      cel: `self.sfu.engine != 'LiveKit' || !(self.turn.${field} in [${SFU_TCP_PORTS.join(', ')}])`,
      check: ({ turn, sfu }: { turn: TurnPorts; sfu: { engine: string } }) =>
        sfu.engine !== 'LiveKit' ||
        !SFU_TCP_PORTS.includes(field === 'listenPort' ? turn.listenPort : turn.tls.port),
      message: `turn.${field} is a port of the SFU, which takes ${SFU_TCP_PORTS.join(', ')} of its nodes: take ${field === 'listenPort' ? 3478 : 5349}`,
      field: `turn.${field}`,
    })),
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
        users: count().describe(
          'Participants on relay now: who hold an allocation, but for those whose pages say that they use none.',
        ),
        costPerHour: money().describe('Cost of relaying at the present rate, per hour.'),
        monthToDate: money().describe('Cost of relaying since the month began (UTC).'),
        forecast: money()
          .optional()
          .describe('What the month is going to cost (UTC), at the pace of the last 7 days.'),
        currency: z.string().optional().describe('Currency of the amounts.'),
        asOf: z
          .string()
          .meta({ format: 'date-time' })
          .optional()
          .describe('When the meter was last read.'),
      })
      .optional()
      .describe('What is relayed now, and what it costs, as the meter says.'),
  })
  .meta(AS_WHOLE)
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
      cel: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",
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
