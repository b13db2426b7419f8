import { type Objective, objectives } from './objectives.ts'
import { type AlertingRule, type RecordingRule, type RuleGroup, runbook } from './rule.ts'

/** Of how long errors are recorded. */
const windows = ['5m', '30m', '1h', '6h', '3d'] as const
const seconds = { '1h': 3600, '6h': 6 * 3600, '3d': 72 * 3600 }
type Window = (typeof windows)[number]

/**
 * Alerts by how fast a budget of 30 days is spent, over a long span and, so that they end soon after, a short one
 * (Google's SRE workbook, chapter 5): 14.4 times as fast as it may be spends 2 % of it in an hour, 6 times 5 % in six.
 */
const burns: {
  severity: 'critical' | 'warning'
  factor: number
  long: keyof typeof seconds
  short: Window
}[] = [
  { severity: 'critical', factor: 14.4, long: '1h', short: '5m' },
  { severity: 'critical', factor: 6, long: '6h', short: '30m' },
  { severity: 'warning', factor: 1, long: '3d', short: '6h' },
]

/** The name of an objective's recorded share of bad events. */
export function errorsOf(window: Window): string {
  return `cluster:parley_slo_errors:ratio_rate${window}`
}

/** The name of how many events were bad, of an objective that says how many are worth an alert. */
function badOf(window: Window): string {
  return `cluster:parley_slo_bad:increase${window}`
}

/** REQ-S4: each objective's errors, and alerts where they spend its budget too fast. */
export function sloRules(): RuleGroup[] {
  // Before what goes by them: the rules of a group are looked at one after the other.
  const bases = objectives.flatMap(({ base }) => base ?? [])
  return [
    {
      name: 'parley.slo.records',
      interval: '1m',
      rules: [...bases, ...objectives.flatMap(records)],
    },
    { name: 'parley.slo.alerts', rules: objectives.flatMap(alerts) },
  ]
}

function records({ id, bad, all, least }: Objective): RecordingRule[] {
  const labels = { objective: id }
  const shares = windows.map((window) => ({
    record: errorsOf(window),
    // Sums of pods that were scraped a moment apart may come to less than nothing.
    expr: `clamp_min(${bad(window, '')}, 0) / (${all(window, '')} > 0)`,
    labels,
  }))
  if (least === undefined) return shares
  const counts = burns.map(({ long }) => ({
    record: badOf(long),
    expr: `${seconds[long]} * ${bad(long, '')}`,
    labels,
  }))
  return [...shares, ...counts]
}

function alerts({ id, title, goal, means, mayWait, least }: Objective): AlertingRule[] {
  const budget = Number((1 - goal).toPrecision(6))
  const looked = burns.filter(({ severity }) => !mayWait || severity === 'warning')
  return looked.map(({ severity, factor, long, short }) => {
    const alert = severity === 'critical' ? 'ParleySloBurnsFast' : 'ParleySloBurnsSlowly'
    const over = (window: Window) =>
      `${errorsOf(window)}{objective="${id}"} > ${Number((factor * budget).toPrecision(6))}`
    const enough = least === undefined ? '' : ` and ${badOf(long)}{objective="${id}"} >= ${least}`
    return {
      alert,
      expr: `${over(long)} and ${over(short)}${enough}`,
      for: severity === 'critical' ? '2m' : '15m',
      labels: { severity, objective: id, window: long },
      annotations: {
        summary: `{{ $labels.namespace }}/{{ $labels.cluster }}: "${title}" is missed ${factor} times as fast as it may be`,
        description: `{{ $value | humanizePercentage }} over ${long}; the goal leaves ${budget * 100} %. ${means}`,
        runbook_url: runbook(alert),
      },
    }
  })
}
