import {
  clientMetrics,
  type Metric,
  meetingMetrics,
  operatorMetrics,
  relayMetrics,
  sfuMetrics,
  signalingMetrics,
  trafficMetrics,
} from './metrics.ts'

const processes: { title: string; about: string; metrics: readonly Metric[] }[] = [
  {
    title: 'Meetings',
    about:
      'At `/metrics` of signaling, port 8080. Each replica counts those whose sockets it holds: sum over pods.',
    metrics: [...Object.values(meetingMetrics), ...Object.values(signalingMetrics)],
  },
  {
    title: 'Calls, as pages see them',
    about: 'At `/metrics` of signaling, port 8080. A page reports to one replica: sum over pods.',
    metrics: Object.values(clientMetrics),
  },
  {
    title: 'Relaying',
    about: 'At `/metrics` of the meter, port 8090. One meter counts for a MeetingCluster.',
    metrics: Object.values(relayMetrics),
  },
  {
    title: 'What servers do',
    about:
      'The `parley_http_` ones, unsent and dropped at `/metrics` of signaling, port 8080: sum over pods. The others at that of the meter, port 8090.',
    metrics: Object.values(trafficMetrics),
  },
  {
    title: 'SFU',
    about:
      "At `/metrics` of LiveKit, port 6789. The names are LiveKit's; those that boards and autoscaling use are listed.",
    metrics: Object.values(sfuMetrics),
  },
  {
    title: 'Operator',
    about: "At `/metrics` of the operator, port 8080, by controller-runtime's names.",
    metrics: Object.values(operatorMetrics),
  },
]

/** The reference of all metrics, as Markdown. */
export function metricsMarkdown(): string {
  const head = `# Metrics

Made from the catalogue in protocol/ by \`npm run generate\`; every process registers its metrics from there.
Rooms, tenants and participants are rows of the meter's store, and never labels; \`room_id\` has the 20 busiest
rooms of a replica and \`other\`. The labels \`namespace\` and \`cluster\` of the meter stand in its metrics; those of
signaling and the SFU get them from the ServiceMonitor, which says \`cluster\`, and from Prometheus.
`
  return `${head}\n${processes.map(section).join('\n')}`
}

function section({ title, about, metrics }: (typeof processes)[number]): string {
  const rows = metrics.map(
    ({ name, type, unit, help, labels }) =>
      `| \`${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  )
  return `## ${title}\n\n${about}\n\n| metric | type | unit | labels | what it says |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
}
