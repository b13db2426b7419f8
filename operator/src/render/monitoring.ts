import { hasLiveKit, type MeetingCluster } from '../api/index.ts'
import { buildServiceMonitor } from './common.ts'
import { buildDashboard } from './dashboard.ts'
import type { RenderInputs } from './inputs.ts'
import type { ConfigMap, KubernetesObject } from './kubernetes.ts'
import { labelsOf, namespaceOf } from './names.ts'
import { type RuleGroup, ruleGroups } from './rules.ts'

export type PrometheusRule = KubernetesObject & { spec: { groups: RuleGroup[] } }

/** What Prometheus and Grafana are given: where metrics are, rules and alerts, a dashboard. */
export function renderMonitoring(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  const { serviceMonitor, rules, dashboards } = mc.spec.monitoring
  const { capabilities } = inputs
  const monitors = [
    buildServiceMonitor(mc, 'signaling'),
    buildServiceMonitor(mc, 'meter'),
    ...(hasLiveKit(mc) ? [buildServiceMonitor(mc, 'sfu', 'metrics')] : []),
  ]
  const known = capabilities.prometheusRules ?? false
  return [
    ...(wanted(serviceMonitor, capabilities.serviceMonitor) ? monitors : []),
    ...(wanted(rules, known) ? [known ? buildPrometheusRule(mc) : buildRulesConfigMap(mc)] : []),
    ...(wanted(dashboards, true) ? [buildDashboardConfigMap(mc)] : []),
  ]
}

function wanted(asked: 'Auto' | boolean, known: boolean): boolean {
  return asked === 'Auto' ? known : asked
}

export function buildPrometheusRule(mc: MeetingCluster): PrometheusRule {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: metadataOf(mc, 'rules'),
    spec: { groups: ruleGroups(mc) },
  }
}

/** For a Prometheus that reads its rules from files; JSON is YAML. */
export function buildRulesConfigMap(mc: MeetingCluster): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(mc, 'rules'),
    data: { 'parley.rules.yaml': `${JSON.stringify({ groups: ruleGroups(mc) }, null, 1)}\n` },
  }
}

/** Grafana's side-car loads what has this label. */
export function buildDashboardConfigMap(mc: MeetingCluster): ConfigMap {
  const { namespace = '', name } = metadataOf(mc, 'dashboard')
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(mc, 'dashboard', { grafana_dashboard: '1' }),
    data: { [`${namespace}-${name}.json`]: `${JSON.stringify(buildDashboard(mc))}\n` },
  }
}

/** Of no component: nothing that runs has to hear of a change. */
function metadataOf(
  mc: MeetingCluster,
  suffix: string,
  more: Record<string, string> = {},
): KubernetesObject['metadata'] {
  return {
    name: `${mc.metadata.name}-${suffix}`,
    namespace: namespaceOf(mc),
    labels: { ...labelsOf(mc), ...more },
  }
}
