import { callRules } from './calls.ts'
import { operatorRules } from './operator.ts'
import { podRules } from './pods.ts'
import type { RuleGroup } from './rule.ts'
import { sloRules } from './slo.ts'

/** Rules for all MeetingClusters at once, by file. Those of each cluster alone come from the operator. */
export function ruleFiles(): Record<string, RuleGroup[]> {
  return { slo: sloRules(), calls: callRules(), pods: podRules(), operator: operatorRules() }
}
