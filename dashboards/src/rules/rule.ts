/** Groups of rules, as Prometheus reads them from a file. */
export type RuleGroup = { name: string; interval?: string; rules: Rule[] }

export type Rule = RecordingRule | AlertingRule
export type RecordingRule = { record: string; expr: string; labels?: Record<string, string> }
export type AlertingRule = {
  alert: string
  expr: string
  for: string
  labels: { severity: 'critical' | 'warning' } & Record<string, string>
  annotations: { summary: string; description: string; runbook_url: string }
}

/** Where the page of an alert is, from the root of the sources on; `npm run dashboards -- --runbooks URL` puts a URL before it. */
export function runbook(alert: string): string {
  return `docs/runbooks/${alert}.md`
}
