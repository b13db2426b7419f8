import { describe, expect, it } from '@jest/globals'
import { clientMetrics, meetingMetrics, relayMetrics } from '@parley/protocol'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildDashboard } from './dashboard.ts'
import { renderMonitoring } from './monitoring.ts'
import { ruleGroups } from './rules.ts'
import { renderInputs } from './testing/inputs.ts'

const names = (monitoring: object, known: { monitors?: boolean; rules?: boolean } = {}) =>
  renderMonitoring(
    meetingCluster({ monitoring, sfu: { engine: 'LiveKit' } }),
    renderInputs({
      capabilities: {
        ...{ storage: { redis: 'Volume', meter: 'Volume' }, externalMetrics: false },
        serviceMonitor: known.monitors ?? false,
        prometheusRules: known.rules ?? false,
      },
    }),
  ).map(({ kind, metadata }) => `${kind}/${metadata.name}`)

const all = { serviceMonitor: 'Auto', rules: 'Auto', dashboards: 'Auto' } as const

describe('REQ-K1: what Prometheus and Grafana are given', () => {
  it('is, where it is left to the cluster, what the cluster knows', () => {
    expect(names(all)).toEqual(['ConfigMap/demo-dashboard'])
    expect(names(all, { monitors: true, rules: true })).toEqual([
      'ServiceMonitor/demo-signaling',
      'ServiceMonitor/demo-meter',
      'ServiceMonitor/demo-sfu',
      'PrometheusRule/demo-rules',
      'ConfigMap/demo-dashboard',
    ])
  })

  it('is nothing where it is not wanted', () => {
    const none = { serviceMonitor: false, rules: false, dashboards: false }
    expect(names(none, { monitors: true, rules: true })).toEqual([])
  })

  it('is rules as a file where they are asked for and there is no kind for them', () => {
    expect(names({ rules: true, dashboards: false })).toEqual(['ConfigMap/demo-rules'])
  })
})

describe('REQ-A4: the dashboard of a MeetingCluster', () => {
  const board = buildDashboard(meetingCluster({ sfu: { engine: 'LiveKit' } }))
  const panels = board.panels as {
    id: number
    gridPos: { x: number; y: number; w: number; h: number }
    targets: { refId: string; expr: string }[]
  }[]

  it('is found by Grafana’s side-car', () => {
    const [object] = renderMonitoring(meetingCluster({ monitoring: all }), renderInputs())
    expect(object?.metadata.labels).toMatchObject({
      grafana_dashboard: '1',
      'app.kubernetes.io/managed-by': 'parley',
    })
    // Of no component, so that no pod is told of a change.
    expect(object?.metadata.labels).not.toHaveProperty('app.kubernetes.io/component')
    const { data = {} } = object as { data?: Record<string, string> }
    expect(JSON.parse(Object.values(data)[0] ?? '')).toMatchObject({ uid: 'parley.meetings.demo' })
  })

  it('has no panel over another, and none without a question', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { targets } of panels) expect(targets.length).toBeGreaterThan(0)
  })

  it('asks only for metrics that there are, of this MeetingCluster alone', () => {
    for (const { expr } of panels.flatMap(({ targets }) => targets)) {
      for (const [name] of expr.matchAll(/\b(parley|video|livekit)_\w+/g))
        expect(known).toContain(name)
      const series = expr.match(/\b(parley|video|livekit)_\w+/g)?.length
      expect(expr.match(/namespace="meetings",cluster="demo"/g)?.length).toBe(series)
    }
  })

  it('has a uid of its own for each MeetingCluster, and Grafana takes it', () => {
    const uid = (name: string) =>
      buildDashboard({ ...meetingCluster(), metadata: { name, namespace: 'n'.repeat(60) } }).uid
    const uids = ['a', 'b', 'a'.repeat(40)].map(uid)
    expect(new Set(uids).size).toBe(3)
    for (const each of uids) expect(each).toMatch(/^[A-Za-z0-9._-]{1,40}$/)
  })
})

it('REQ-K5: rules ask only for metrics that there are', () => {
  const spec = { sfu: { engine: 'LiveKit' }, cost: { budget: { monthly: '500' } } } as const
  const rules = ruleGroups(meetingCluster(spec)).flatMap(({ rules }) => rules)
  for (const { expr } of rules)
    for (const [name] of expr.matchAll(/(?<![:\w])(parley|video)_\w+/g))
      expect(known).toContain(name)
  expect(rules.flatMap((rule) => ('alert' in rule ? rule.alert : []))).toContain('ParleySfuDown')
})

const known = [
  ...[...Object.values(relayMetrics), ...Object.values(meetingMetrics)].map(({ name }) => name),
  ...['parley_signaling_rooms', 'parley_signaling_sockets', 'parley_signaling_participants'],
  ...[clientMetrics.latency, clientMetrics.mos].flatMap(({ name }) => [
    `${name}_sum`,
    `${name}_count`,
  ]),
  // Of livekit-server 1.13.
  ...['livekit_room_total', 'livekit_participant_total', 'livekit_packet_bytes'],
]
