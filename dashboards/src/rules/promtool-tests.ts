import { ruleFiles } from './index.ts'
import type { AlertingRule } from './rule.ts'

/** A file of promtool's unit tests. */
export type PromtoolTests = {
  rule_files: string[]
  evaluation_interval: string
  /** Groups are evaluated one by one in this order: alerts see what was recorded just then. */
  group_eval_order: string[]
  tests: {
    name: string
    interval: string
    input_series: { series: string; values: string }[]
    alert_rule_test: { eval_time: string; alertname: string; exp_alerts: object[] }[]
  }[]
}

type Case = {
  name: string
  alert: string
  series: Record<string, string>
  /** When it is looked at. */
  at: string
  /** Default: nothing fires. `value` as the annotations show it. */
  fires?: {
    labels: Record<string, string>
    value: string
    rule?: (rule: AlertingRule) => boolean
  }[]
}

const own = 'namespace="meetings",cluster="demo"'
const cluster = { namespace: 'meetings', cluster: 'demo' }
const joins = (attempted: string, successful: string) => ({
  [`video_connections_attempted_total{${own},pod="a"}`]: attempted,
  [`video_connections_successful_total{${own},pod="a"}`]: successful,
})
const errors = (kind: string, values: string) => ({
  [`parley_client_ice_errors_total{${own},pod="a",transport="udp",kind="${kind}"}`]: values,
})
const reconnections = (seconds: string, times: string) => ({
  [`parley_client_call_seconds_total{${own},pod="a"}`]: seconds,
  [`parley_client_reconnections_total{${own},pod="a"}`]: times,
})
const histogram = (name: string, bound: number, under: string, all: string) => ({
  [`${name}_bucket{${own},pod="a",le="${bound}"}`]: under,
  [`${name}_count{${own},pod="a"}`]: all,
})
const requests = (route: string, status: number) =>
  `parley_http_requests_total{${own},pod="a",route="${route}",status="${status}"}`
/** Signaling is scraped. */
const known = { [`up{${own},job="demo-signaling",pod="a"}`]: '1x120' }
const container = (of: string, pod = `demo-${of}-0`) =>
  `namespace="meetings",pod="${pod}",container="${of}"`
/** Per cent of a core, which is the limit. */
const cpuOf = (component: string, percent: number) => ({
  ...known,
  [`container_cpu_usage_seconds_total{${container(component)}}`]: `0+${0.6 * percent}x120`,
  [`kube_pod_container_resource_limits{${container(component)},resource="cpu"}`]: '1x120',
})
/** Bytes, of a hundred. */
const memoryOf = (component: string, percent: number) => ({
  ...known,
  [`container_memory_working_set_bytes{${container(component)}}`]: `${percent}x120`,
  [`kube_pod_container_resource_limits{${container(component)},resource="memory"}`]: '100x120',
})
/** A shop beside the meetings, whose pods are named as ours are, and which use all that they may. */
const strangers = Object.assign(
  { ...known },
  ...[container('webapp', 'shop-webapp-7f9c-abcde'), container('redis', 'shop-redis-0')].map(
    (pod) => ({
      [`container_cpu_usage_seconds_total{${pod}}`]: '0+60x120',
      [`container_memory_working_set_bytes{${pod}}`]: '100x120',
      [`kube_pod_container_resource_limits{${pod},resource="cpu"}`]: '1x120',
      [`kube_pod_container_resource_limits{${pod},resource="memory"}`]: '100x120',
    }),
  ),
) as Record<string, string>

const cases: Record<string, Case[]> = {
  slo: [
    {
      name: 'REQ-S4: half of the joins fail for an hour',
      alert: 'ParleySloBurnsFast',
      at: '2h',
      series: joins('0+60x120', '0+30x120'),
      fires: [
        {
          labels: { ...cluster, objective: 'joins', window: '1h', severity: 'critical' },
          value: '50%',
        },
        {
          labels: { ...cluster, objective: 'joins', window: '6h', severity: 'critical' },
          value: '50%',
        },
      ],
    },
    {
      name: 'REQ-S4: one join in a hundred fails: within the goal',
      alert: 'ParleySloBurnsFast',
      at: '2h',
      series: joins('0+100x120', '0+99x120'),
    },
    {
      name: 'REQ-S4: it ends soon after joins succeed again',
      alert: 'ParleySloBurnsFast',
      at: '100m',
      series: joins('0+60x100', '0+30x60 1860+60x40'),
    },
    {
      name: 'REQ-S4: nobody joins: nothing is said',
      alert: 'ParleySloBurnsFast',
      at: '2h',
      series: joins('5x120', '5x120'),
    },
    {
      name: 'REQ-S4: one packet in ten is lost',
      alert: 'ParleySloBurnsFast',
      at: '90m',
      series: {
        [`livekit_packet_total{${own},direction="incoming"}`]: '0+1000x90',
        [`livekit_packet_loss_total{${own},direction="incoming"}`]: '0+200x90',
      },
      fires: [
        {
          labels: { ...cluster, objective: 'loss', window: '1h', severity: 'critical' },
          value: '20%',
        },
        {
          labels: { ...cluster, objective: 'loss', window: '6h', severity: 'critical' },
          value: '20%',
        },
      ],
    },
    {
      name: 'REQ-S4: a tenth of the round trips takes more than 150 ms, for hours',
      alert: 'ParleySloBurnsSlowly',
      at: '3h',
      series: {
        [`livekit_rtt_ms_bucket{${own},le="150.0"}`]: '0+90x180',
        [`livekit_rtt_ms_count{${own}}`]: '0+100x180',
      },
      fires: [
        {
          labels: { ...cluster, objective: 'latency', window: '3d', severity: 'warning' },
          value: '10%',
        },
      ],
    },
    ...(
      [
        ['call-loss', 'a tenth of the minutes of people loses', 'parley_client_loss_percent', 1],
        ['connect', 'a tenth of the links takes', 'parley_client_connect_seconds', 5],
      ] as const
    ).flatMap(([objective, what, metric, bound]): Case[] => [
      {
        name: `REQ-S4: ${what} more than ${bound}`,
        alert: 'ParleySloBurnsSlowly',
        at: '40m',
        series: histogram(metric, bound, '0+90x40', '0+100x40'),
        fires: [
          { labels: { ...cluster, objective, window: '3d', severity: 'warning' }, value: '10%' },
        ],
      },
      {
        name: `REQ-S4: a hundredth of these is over ${bound}: within the goal`,
        alert: 'ParleySloBurnsSlowly',
        at: '40m',
        series: histogram(metric, bound, '0+99x40', '0+100x40'),
      },
    ]),
    ...(
      [
        ['a tenth of the minutes of people has a round trip of 150 ms and more', '0+10x40', '10%'],
        ['a hundredth of them: within the goal', '0+1x40', undefined],
      ] as const
    ).map(
      ([what, slow, value]): Case => ({
        name: `REQ-S4: ${what}`,
        alert: 'ParleySloBurnsSlowly',
        at: '40m',
        series: {
          [`parley_client_slow_minutes_total{${own},pod="a"}`]: slow,
          [`video_connection_latency_ms_count{${own},pod="a"}`]: '0+100x40',
        },
        ...(value && {
          fires: [
            {
              labels: {
                ...{ ...cluster, objective: 'call-latency', window: '3d' },
                severity: 'warning',
              },
              value,
            },
          ],
        }),
      }),
    ),
    ...(
      [
        // Its rate begins at nothing: of the first minutes there is no whole one.
        ['cpu', cpuOf, 80, 60, '45%'],
        ['memory', memoryOf, 90, 70, '50%'],
      ] as const
    ).flatMap(([objective, used, much, less, value]): Case[] => [
      {
        name: `REQ-S4: one of two pods uses ${much} % of its ${objective}, the other ${less} %`,
        alert: 'ParleySloBurnsSlowly',
        at: '40m',
        series: { ...used('turn', much), ...used('sfu', less) },
        fires: [{ labels: { ...cluster, objective, window: '3d', severity: 'warning' }, value }],
      },
      {
        name: `REQ-S4: both use ${less} % of their ${objective}`,
        alert: 'ParleySloBurnsSlowly',
        at: '40m',
        series: { ...used('turn', less), ...used('sfu', less) },
      },
    ]),
    {
      name: 'REQ-S4: pods of others, named as ours are, are at their limits',
      alert: 'ParleySloBurnsSlowly',
      at: '40m',
      series: strangers,
    },
    {
      name: 'REQ-S4: all of the CPU is used, for which nobody is woken',
      alert: 'ParleySloBurnsFast',
      at: '2h',
      series: cpuOf('turn', 100),
    },
    {
      name: 'REQ-S4: a tenth of the requests is answered with 503',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/a', 200)]: '0+90x30',
        [requests('/a', 503)]: '0+10x30',
      },
      fires: [
        {
          labels: { ...cluster, objective: 'http', window: '1h', severity: 'critical' },
          value: '10%',
        },
        {
          labels: { ...cluster, objective: 'http', window: '6h', severity: 'critical' },
          value: '10%',
        },
      ],
    },
    {
      name: 'REQ-S4: one of a few requests is answered with 503: nobody is woken for it',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/a', 200)]: '0+1x30',
        [requests('/a', 503)]: '0x26 1x4',
      },
    },
    {
      name: 'REQ-S4: what is asked for is not there: that is no fault of ours',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/a', 404)]: '0+10x30',
      },
    },
    {
      name: 'REQ-S4: a pod that goes tells its probe so: nobody was refused',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/a', 200)]: '0+10x30',
        [`parley_http_requests_total{${own},pod="b",route="/readyz",status="503"}`]: '0+12x30',
      },
    },
    {
      name: 'REQ-S4: the meter is away, which the admin page is told with 503: meetings miss nothing',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/api/rooms/:room/join', 200)]: '0+10x30',
        [requests('/api/admin/costs', 503)]: '0+6x30',
        [requests('/api/admin/http', 503)]: '0+30x30',
        [requests('/api/admin/http/series', 503)]: '0+6x30',
      },
    },
    {
      name: 'REQ-S4: few come and all are refused: answers to probes, Prometheus and the admin page hide it not',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/api/rooms/:room/join', 503)]: '0+1x30',
        [requests('/healthz', 200)]: '0+600x30',
        [requests('/metrics', 200)]: '0+400x30',
        [requests('/api/admin/http', 200)]: '0+3000x30',
      },
      fires: ['1h', '6h'].map((window) => ({
        labels: { ...cluster, objective: 'http', window, severity: 'critical' },
        value: '100%',
      })),
    },
    {
      name: 'REQ-S4: few come and all are refused: what scanners look for and do not find hides it not',
      alert: 'ParleySloBurnsFast',
      at: '30m',
      series: {
        [requests('/api/rooms/:room/join', 503)]: '0+1x30',
        [requests('(none)', 404)]: '0+600x30',
        [requests('/*', 404)]: '0+3000x30',
      },
      fires: ['1h', '6h'].map((window) => ({
        labels: { ...cluster, objective: 'http', window, severity: 'critical' },
        value: '100%',
      })),
    },
    {
      name: 'REQ-S4: one of two signaling pods is away: up all the same',
      alert: 'ParleySloBurnsFast',
      at: '1h',
      series: {
        [`up{${own},job="demo-signaling",pod="a"}`]: '1x60',
        [`up{${own},job="demo-signaling",pod="b"}`]: '0x60',
      },
    },
    {
      name: 'REQ-S4: no signaling pod answers',
      alert: 'ParleySloBurnsFast',
      at: '2h',
      series: { [`up{${own},job="demo-signaling",pod="a"}`]: '1x60 0x60' },
      fires: [
        {
          labels: { ...cluster, objective: 'uptime', window: '1h', severity: 'critical' },
          value: '98.36%',
        },
        {
          labels: { ...cluster, objective: 'uptime', window: '6h', severity: 'critical' },
          value: '49.59%',
        },
      ],
    },
  ],
  calls: [
    {
      name: 'REQ-A6: TURN refuses credentials',
      alert: 'ParleyTurnRefuses',
      at: '30m',
      series: errors('credentials', '0+2x30'),
      fires: [{ labels: { ...cluster, kind: 'credentials', severity: 'warning' }, value: '2' }],
    },
    {
      name: 'REQ-A6: STUN does not answer, which is a firewall of theirs',
      alert: 'ParleyTurnRefuses',
      at: '30m',
      series: errors('no answer', '0+20x30'),
    },
    {
      name: 'REQ-A6: ten people whose connections are lost each minute of ten',
      alert: 'ParleyCallsReconnect',
      at: '60m',
      series: reconnections('0+600x60', '0+2x60'),
      fires: [{ labels: { ...cluster, severity: 'warning' }, value: '12' }],
    },
    {
      name: 'REQ-A6: two people say nothing about all',
      alert: 'ParleyCallsReconnect',
      at: '60m',
      series: reconnections('0+120x60', '0+2x60'),
    },
    {
      name: 'REQ-H3: seconds of traffic were dropped',
      alert: 'ParleyHistoryDropped',
      at: '30m',
      series: { [`parley_traffic_dropped_total{${own},pod="a"}`]: '0x10 60x20' },
      fires: [{ labels: { ...cluster, severity: 'warning' }, value: '60' }],
    },
    {
      name: 'REQ-H3: none was dropped',
      alert: 'ParleyHistoryDropped',
      at: '30m',
      series: { [`parley_traffic_dropped_total{${own},pod="a"}`]: '0x30' },
    },
  ],
  pods: [
    {
      name: 'REQ-S4: 80 % of the CPU',
      alert: 'ParleyCpuHigh',
      at: '30m',
      series: cpuOf('turn', 80),
      fires: [
        {
          labels: { ...cluster, pod: 'demo-turn-0', severity: 'warning' },
          value: '80%',
        },
      ],
    },
    {
      name: 'REQ-S4: 60 % of the CPU',
      alert: 'ParleyCpuHigh',
      at: '30m',
      series: cpuOf('turn', 60),
    },
    {
      name: 'REQ-S4: 90 % of the memory',
      alert: 'ParleyMemoryHigh',
      at: '30m',
      series: memoryOf('turn', 90),
      fires: [
        {
          labels: { ...cluster, pod: 'demo-turn-0', severity: 'warning' },
          value: '90%',
        },
      ],
    },
    {
      name: 'REQ-S4: 70 % of the memory',
      alert: 'ParleyMemoryHigh',
      at: '30m',
      series: memoryOf('turn', 70),
    },
    ...['ParleyCpuHigh', 'ParleyMemoryHigh'].map((alert) => ({
      ...{ name: 'REQ-S4: pods of others, named as ours are, are at their limits', alert },
      ...{ at: '30m', series: strangers },
    })),
    {
      name: 'REQ-K7: a pod that should have been gone a quarter of an hour ago',
      alert: 'ParleyDrainStuck',
      at: '25m',
      series: { 'kube_pod_deletion_timestamp{namespace="meetings",pod="demo-sfu-0"}': '600x25' },
      fires: [
        {
          labels: { namespace: 'meetings', pod: 'demo-sfu-0', severity: 'warning' },
          value: '15m 0s',
        },
      ],
    },
    {
      name: 'REQ-K7: a pod that may drain for an hour yet',
      alert: 'ParleyDrainStuck',
      at: '20m',
      series: { 'kube_pod_deletion_timestamp{namespace="meetings",pod="demo-sfu-0"}': '4800x20' },
    },
  ],
  operator: [
    {
      name: 'REQ-K1: nobody leads, whatever others do',
      alert: 'ParleyOperatorAway',
      at: '10m',
      series: {
        'leader_election_master_status{name="parley-manager"}': '0x10',
        'leader_election_master_status{name="kube-scheduler"}': '1x10',
      },
      fires: [{ labels: { severity: 'warning' }, value: '1' }],
    },
    {
      name: 'REQ-K1: one leads',
      alert: 'ParleyOperatorAway',
      at: '10m',
      series: { 'leader_election_master_status{name="parley-manager-0-of-2"}': '1x10' },
    },
    {
      name: 'REQ-K1: passes fail',
      alert: 'ParleyOperatorFails',
      at: '30m',
      series: {
        'controller_runtime_reconcile_errors_total{controller="meetingcluster"}': '0+60x30',
      },
      fires: [{ labels: { controller: 'meetingcluster', severity: 'warning' }, value: '1' }],
    },
    {
      name: 'REQ-K1: passes of another operator fail',
      alert: 'ParleyOperatorFails',
      at: '30m',
      series: {
        'controller_runtime_reconcile_errors_total{controller="certificate"}': '0+60x30',
      },
    },
    {
      name: 'REQ-K1: a pass failed once',
      alert: 'ParleyOperatorFails',
      at: '30m',
      series: {
        'controller_runtime_reconcile_errors_total{controller="meetingcluster"}': '0x10 1x20',
      },
    },
    {
      name: 'REQ-K1: a pass does not end',
      alert: 'ParleyOperatorStuck',
      at: '20m',
      series: {
        'workqueue_longest_running_processor_seconds{controller="meetingcluster"}': '0+60x20',
      },
      fires: [{ labels: { controller: 'meetingcluster', severity: 'warning' }, value: '20m 0s' }],
    },
  ],
}

/** promtool's tests of each rule file: every alert fires where it should, and is silent where it should be. */
export function promtoolTests(runbookBase = ''): Record<string, PromtoolTests> {
  return Object.fromEntries(
    Object.entries(cases).map(([file, of]) => [file, testsOf(file, of, runbookBase)]),
  )
}

function testsOf(file: string, of: readonly Case[], base: string): PromtoolTests {
  const groups = ruleFiles()[file] ?? []
  const rules = groups.flatMap((group) => group.rules)
  return {
    rule_files: [`../${file}.yaml`],
    evaluation_interval: '1m',
    group_eval_order: groups.map(({ name }) => name),
    tests: of.map(({ name, alert, series, at, fires = [] }) => ({
      name,
      interval: '1m',
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      alert_rule_test: [
        {
          eval_time: at,
          alertname: alert,
          exp_alerts: fires.map(({ labels, value }) => ({
            exp_labels: labels,
            exp_annotations: annotationsOf(ruleOf(rules, alert, labels), labels, value, base),
          })),
        },
      ],
    })),
  }
}

function ruleOf(rules: readonly object[], alert: string, labels: Record<string, string>) {
  const found = (rules as AlertingRule[]).find(
    (rule) =>
      rule.alert === alert &&
      Object.entries(rule.labels).every(([name, value]) => labels[name] === value),
  )
  if (!found) throw new Error(`no rule ${alert} with ${JSON.stringify(labels)}`)
  return found
}

/** As Prometheus fills them in. */
function annotationsOf(
  { annotations }: AlertingRule,
  labels: Record<string, string>,
  value: string,
  base: string,
) {
  const filled = (text: string) =>
    text
      .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '')
      .replace(/\{\{ \$value[^}]*\}\}/g, value)
  return {
    summary: filled(annotations.summary),
    description: filled(annotations.description),
    runbook_url: `${base}${annotations.runbook_url}`,
  }
}
