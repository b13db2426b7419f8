import { createHash } from 'node:crypto'
import { clientMetrics, meetingMetrics, relayMetrics } from '@parley/protocol'
import { hasLiveKit, type MeetingCluster } from '../api/index.ts'
import { namespaceOf } from './names.ts'

/** A Grafana dashboard, as its JSON model has it. */
export interface Dashboard {
  uid: string
  title: string
  panels: object[]
  [field: string]: unknown
}

interface Panel {
  title: string
  unit: string
  /** `stat` shows the last value. Default: a curve. */
  type?: 'stat' | 'timeseries'
  /** Of 24. */
  width: number
  description: string
  targets: { expr: string; legend: string }[]
}

const { bytes, allocations, users, cost, unattributedBytes, subscribed, storeUp } = relayMetrics
const { activeParticipants, connectionsAttempted, connectionsSuccessful } = meetingMetrics
const HEIGHT = 7

/** Quality and cost of one MeetingCluster on one board (REQ-A4). */
export function buildDashboard(mc: MeetingCluster): Dashboard {
  const [namespace, name] = [namespaceOf(mc), mc.metadata.name]
  const own = `namespace="${namespace}",cluster="${name}"`
  return {
    // At most 40 characters, and no two alike: names of namespaces and clusters hold no dot.
    uid: shortened(`parley.${namespace}.${name}`),
    title: `Parley · ${namespace}/${name}`,
    tags: ['parley'],
    timezone: 'browser',
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }],
    },
    panels: laidOut([...panels(own), ...(hasLiveKit(mc) ? sfuPanels(own) : [])]),
  }
}

function panels(own: string): Panel[] {
  const rate = (metric: string, more = '', range = '$__rate_interval') =>
    `sum(rate(${metric}{${own}${more}}[${range}]))`
  /** Pages are counted once a minute. */
  const mean = ({ name }: { name: string }) =>
    `${rate(`${name}_sum`, '', '5m')} / (${rate(`${name}_count`, '', '5m')} > 0)`
  const one = (expr: string, legend = '') => [{ expr, legend }]
  const stat = { type: 'stat', width: 4 } as const
  const curve = { width: 12 } as const
  return [
    {
      ...{ title: 'Participants', unit: 'short', ...stat },
      description: 'People in a call now.',
      targets: one(`sum(${activeParticipants.name}{${own}})`),
    },
    {
      ...{ title: 'Joins that succeed', unit: 'percentunit', ...stat },
      description: 'Of the joins of the last hour, those that reached their room.',
      targets: one(
        `${rate(connectionsSuccessful.name, '', '1h')} / (${rate(connectionsAttempted.name, '', '1h')} > 0)`,
      ),
    },
    {
      ...{ title: 'On relay', unit: 'percentunit', ...stat },
      description: 'Of the participants, those who hold a TURN allocation.',
      targets: one(`sum(${users.name}{${own}}) / (sum(${activeParticipants.name}{${own}}) > 0)`),
    },
    {
      ...{ title: 'Cost per hour', unit: 'none', ...stat },
      description: 'Of relaying, at the pace of the last hour, in the currency of the prices.',
      targets: one(`3600 * ${rate(cost.name, '', '1h')}`),
    },
    {
      ...{ title: 'Cost of 30 days', unit: 'none', ...stat },
      description: 'Of relaying, in the currency of the prices.',
      targets: one(`sum(increase(${cost.name}{${own}}[30d]))`),
    },
    {
      ...{ title: 'Meter', unit: 'none', ...stat },
      description: '1 where the meter hears coturn, and where it can write its store.',
      targets: [
        { expr: `${subscribed.name}{${own}}`, legend: 'hears coturn' },
        { expr: `${storeUp.name}{${own}}`, legend: 'store' },
      ],
    },
    {
      ...{ title: 'Participants and relay', unit: 'short', ...curve },
      description: 'People in a call, those of them on relay, and open TURN allocations.',
      targets: [
        { expr: `sum(${activeParticipants.name}{${own}})`, legend: 'participants' },
        { expr: `sum(${users.name}{${own}})`, legend: 'on relay' },
        { expr: `sum(${allocations.name}{${own}})`, legend: 'allocations' },
      ],
    },
    {
      ...{ title: 'Round trip', unit: 'ms', ...curve },
      description: 'Of people in a call, mean of five minutes, as their pages measure it.',
      targets: one(mean(clientMetrics.latency), 'mean'),
    },
    {
      ...{ title: 'Quality of speech (MOS)', unit: 'none', ...curve },
      description: 'By the E-model, from 1 to 4.5, mean of five minutes: 4 and more is good.',
      targets: one(mean(clientMetrics.mos), 'mean'),
    },
    {
      ...{ title: 'Relayed', unit: 'bps', ...curve },
      description: 'As coturn counts it, by leg.',
      targets: [
        {
          expr: `8 * sum by (leg) (rate(${bytes.name}{${own}}[$__rate_interval]))`,
          legend: '{{leg}}',
        },
      ],
    },
    {
      ...{ title: 'Cost by the hour', unit: 'none', ...curve },
      description: 'Of relaying, in the currency of the prices.',
      targets: [
        {
          expr: `3600 * sum by (currency) (rate(${cost.name}{${own}}[1h]))`,
          legend: '{{currency}}',
        },
      ],
    },
    {
      ...{ title: 'Joins', unit: 'reqps', ...curve },
      description: 'Joins asked for, and those that reached their room.',
      targets: [
        { expr: rate(connectionsAttempted.name), legend: 'asked for' },
        { expr: rate(connectionsSuccessful.name), legend: 'in their room' },
      ],
    },
    {
      ...{ title: 'Rooms and sockets', unit: 'short', ...curve },
      description: 'A room is counted by each replica that holds one of its sockets.',
      targets: [
        { expr: `sum(parley_signaling_rooms{${own}})`, legend: 'rooms' },
        { expr: `sum(parley_signaling_sockets{${own}})`, legend: 'sockets' },
      ],
    },
    {
      ...{ title: 'Relayed for nobody', unit: 'percentunit', ...curve },
      description: 'Bytes under usernames that name no room, of all that is relayed.',
      targets: one(
        `${rate(unattributedBytes.name, '', '1h')} / (${rate(bytes.name, '', '1h')} > 0)`,
        'share',
      ),
    },
  ]
}

function sfuPanels(own: string): Panel[] {
  return [
    {
      ...{ title: 'SFU: rooms and people', unit: 'short', width: 12 },
      description: 'Rooms above spec.mesh.maxParticipants.',
      targets: [
        { expr: `sum(livekit_room_total{${own}})`, legend: 'rooms' },
        { expr: `sum(livekit_participant_total{${own}})`, legend: 'participants' },
      ],
    },
    {
      ...{ title: 'SFU: traffic', unit: 'bps', width: 12 },
      description: 'Media that the SFU takes in and sends on.',
      targets: [
        {
          expr: `8 * sum by (direction) (rate(livekit_packet_bytes{${own}}[$__rate_interval]))`,
          legend: '{{direction}}',
        },
      ],
    },
  ]
}

/** From left to right and down, as wide as each is. */
function laidOut(panels: readonly Panel[]): object[] {
  let [x, y] = [0, 0]
  return panels.map(({ title, unit, type = 'timeseries', width, description, targets }, index) => {
    if (x + width > 24) [x, y] = [0, y + HEIGHT]
    const gridPos = { x, y, w: width, h: HEIGHT }
    x += width
    return {
      ...{ id: index + 1, title, description, type, gridPos },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
      datasource: { type: 'prometheus', uid: '${datasource}' },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: targets.map(({ expr, legend }, target) => ({
        refId: String.fromCharCode(65 + target),
        expr,
        ...(legend && { legendFormat: legend }),
      })),
    }
  })
}

/** The text, or its beginning and a digest of the whole where it is too long. */
function shortened(text: string): string {
  if (text.length <= 40) return text
  return `${text.slice(0, 27)}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}
