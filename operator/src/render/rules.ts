import { meetingMetrics, operatorMetrics, relayMetrics } from '@parley/protocol'
import { hasLiveKit, type MeetingCluster } from '../api/index.ts'
import { namespaceOf, objectName } from './names.ts'
import { secretReferences } from './references.ts'

export interface RuleGroup {
  name: string
  rules: Rule[]
}

type Rule = { expr: string; labels?: Record<string, string> } & (
  | { record: string }
  | {
      alert: string
      for: string
      annotations: { summary: string; description: string; runbook_url: string }
    }
)

/** Hours of an average month: what a rate by the hour comes to by its end. */
const HOURS_OF_MONTH = 730.5

/**
 * Recording rules and alerts of one MeetingCluster, each for its own series alone, so that rules of
 * many stand side by side. Whether pods are ready is told by kube-state-metrics, where there is one.
 */
export function ruleGroups(mc: MeetingCluster): RuleGroup[] {
  const own = `namespace="${namespaceOf(mc)}",cluster="${mc.metadata.name}"`
  return [
    { name: groupName(mc, 'records'), rules: records(mc, own) },
    { name: groupName(mc, 'alerts'), rules: alerts(mc, own) },
  ]
}

function groupName(mc: MeetingCluster, what: string): string {
  return `parley.${namespaceOf(mc)}.${mc.metadata.name}.${what}`
}

const { bytes, cost, forecast, monthToDate, unattributedBytes, users, subscribed, storeUp } =
  relayMetrics
const { connectionsAttempted, connectionsSuccessful } = meetingMetrics

const PARTICIPANTS = 'parley_signaling_participants'

/** Names of recorded series: level, metric, operation. */
export const recorded = {
  /** Bits a second that TURN sends, a relayed bit counted once. */
  relayBits: 'cluster:parley_relay_sent_bits:rate5m',
  costPerHour: 'cluster:parley_relay_cost_per_hour:rate1h',
  unattributedShare: 'cluster:parley_relay_unattributed:ratio_rate1h',
  joinSuccess: 'cluster:video_connections:success_ratio_rate5m',
  /** Of the participants, those who are on relay. */
  relayShare: 'cluster:parley_relay_users:ratio_avg30m',
  budget: 'parley_relay_budget_monthly',
} as const

/** A share of fewer participants than this says nothing. */
const SHARE_OF_AT_LEAST = 10

function records(mc: MeetingCluster, own: string): Rule[] {
  const budget = mc.spec.cost.budget?.monthly
  const by = 'sum by (namespace, cluster)'
  return [
    {
      record: recorded.relayBits,
      expr: `8 * ${by} (rate(${bytes.name}{${own},leg=~"turnTo.*"}[5m]))`,
    },
    {
      record: recorded.costPerHour,
      expr: `3600 * sum by (namespace, cluster, currency) (rate(${cost.name}{${own}}[1h]))`,
    },
    {
      record: recorded.unattributedShare,
      expr: `${by} (rate(${unattributedBytes.name}{${own}}[1h])) / (${by} (rate(${bytes.name}{${own}}[1h])) > 0)`,
    },
    {
      record: recorded.joinSuccess,
      expr: `${by} (rate(${connectionsSuccessful.name}{${own}}[5m])) / (${by} (rate(${connectionsAttempted.name}{${own}}[5m])) > 0)`,
    },
    {
      record: recorded.relayShare,
      expr: `${by} (avg_over_time(${users.name}{${own}}[30m])) / (${by} (avg_over_time(${PARTICIPANTS}{${own}}[30m])) >= ${SHARE_OF_AT_LEAST})`,
    },
    ...(budget === undefined
      ? []
      : [
          {
            record: recorded.budget,
            expr: `vector(${budget})`,
            labels: { namespace: namespaceOf(mc), cluster: mc.metadata.name },
          },
        ]),
  ]
}

function alerts(mc: MeetingCluster, own: string): Rule[] {
  const namespace = namespaceOf(mc)
  const name = `${namespace}/${mc.metadata.name}`
  const notReady = (component: 'turn' | 'sfu' | 'signaling') =>
    `kube_deployment_status_replicas_ready{namespace="${namespace}",deployment="${objectName(mc, component)}"} == 0`
  const alert = (
    alert: string,
    severity: 'critical' | 'warning',
    [after, expr]: [string, string],
    summary: string,
    description: string,
  ): Rule => ({
    alert,
    expr,
    for: after,
    labels: { severity, namespace, cluster: mc.metadata.name },
    annotations: {
      summary: `${name}: ${summary}`,
      description,
      runbook_url: `docs/runbooks/${alert}.md`,
    },
  })
  const budget = mc.spec.cost.budget?.monthly
  return [
    alert(
      'ParleyTurnDown',
      'critical',
      ['2m', notReady('turn')],
      'no TURN pod is ready',
      'Who cannot connect directly is not connected at all. The condition TurnReady of the MeetingCluster says why.',
    ),
    alert(
      'ParleySignalingDown',
      'critical',
      ['2m', notReady('signaling')],
      'no signaling pod is ready',
      'Nobody can join; running calls go on. The condition SignalingReady of the MeetingCluster says why.',
    ),
    ...(hasLiveKit(mc)
      ? [
          alert(
            'ParleySfuDown',
            'critical',
            ['2m', notReady('sfu')],
            'no SFU pod is ready',
            'Rooms above spec.mesh.maxParticipants cannot open. The condition SfuReady of the MeetingCluster says why.',
          ),
        ]
      : []),
    alert(
      'ParleyJoinsFail',
      'warning',
      ['10m', `${recorded.joinSuccess}{${own}} < 0.98`],
      'fewer than 98 % of joins reach their room',
      'Look at the log of the signaling pods, and at what the page says in the browser.',
    ),
    alert(
      'ParleyMeterNotSubscribed',
      'warning',
      ['5m', `${subscribed.name}{${own}} == 0 or absent(${subscribed.name}{${own}})`],
      'the meter does not hear coturn',
      'What is relayed meanwhile is known only from what allocations say when they close. /readyz of the meter says why.',
    ),
    alert(
      'ParleyMeterStoreDown',
      'warning',
      ['5m', `${storeUp.name}{${own}} == 0`],
      'the meter cannot write its store',
      'It counts on in memory; what it has not written is lost when it restarts. /readyz says why.',
    ),
    alert(
      'ParleyRelayUnattributed',
      'warning',
      ['30m', `${recorded.unattributedShare}{${own}} > 0.01`],
      'more than 1 % of relayed bytes belong to nobody',
      'Either somebody uses TURN with credentials that signaling did not mint, or the meter missed what coturn published. Next: parley cost report --by participant shows them as (unattributed); if ParleyMeterNotSubscribed fires too, look at Redis, and the totals of the allocations make most of it good when they close; else rotate the TURN secret (docs/guides/secrets.md).',
    ),
    alert(
      'ParleyRelayShareJump',
      'warning',
      [
        '30m',
        `${recorded.relayShare}{${own}} > 0.2 and ${recorded.relayShare}{${own}} > 2 * avg_over_time(${recorded.relayShare}{${own}}[1d] offset 1h)`,
      ],
      'twice the share of participants is on relay as in the day before',
      'Each of them costs egress. Next: parley cost report --window 2h --by reason says why: udp-blocked is a firewall of theirs or of yours (do UDP ports 3478 and those of the relay still answer?), policy is a page that was told to use relays only, symmetric-nat is a network of theirs. --by tenant,room says who.',
    ),
    ...(budget === undefined
      ? []
      : [
          alert(
            'ParleyRelayOverBudget',
            'warning',
            [
              '1h',
              `3600 * ${HOURS_OF_MONTH} * sum by (currency) (rate(${cost.name}{${own}}[6h])) > ${budget}`,
            ],
            `relaying costs more than the budget of ${budget} a month, at the pace of the last 6 h`,
            'parley cost report says who is relayed, and why. Nothing is stopped.',
          ),
          alert(
            'ParleyRelayBudgetForecast',
            'warning',
            ['1h', `max by (currency) (${forecast.name}{${own}}) > ${budget}`],
            `relaying is going to cost more than the budget of ${budget} this month`,
            'By the pace of the last 7 days. The condition BudgetForecast of the MeetingCluster says how much. Next: parley cost report --window 7d --by tenant, then --by reason, for what grew; parley cost what-if for what an SFU or another region would save; or raise spec.cost.budget.monthly. Nothing is stopped.',
          ),
          alert(
            'ParleyRelayBudgetExceeded',
            'critical',
            ['5m', `max by (currency) (${monthToDate.name}{${own}}) > ${budget}`],
            `relaying has cost more than the budget of ${budget} this month`,
            'Nothing is stopped: calls go on and cost. Next: parley cost report --from the first of the month --by tenant,room says who; then agree on another budget, or bound spec.turn (quotas, bandwidth) knowing that those who need a relay then have no call.',
          ),
        ]),
    ...(secretReferences(mc).some(({ kind }) => kind === 'turnTls' || kind === 'ingressTls')
      ? [
          alert(
            'ParleyCertificateExpires',
            'warning',
            [
              '1h',
              `min by (secret, used_by) (${operatorMetrics.certificateExpiry.name}{cluster_namespace="${namespace}",cluster="${mc.metadata.name}"}) - time() < 7 * 24 * 3600`,
            ],
            'a certificate ends within 7 days',
            'The label secret says which, and used_by who shows it. Where cert-manager issues it, it should have been renewed long ago: kubectl describe certificate says why it has not.',
          ),
        ]
      : []),
  ]
}
