import { CONDITION, type MeetingClusterStatus, REASON } from '../api/index.ts'
import type { Finding } from './conditions.ts'

/**
 * What the conditions of a budget say. Without a budget there are none. What was known before goes on to hold
 * while the meter does not answer, so that a restart is no transition.
 */
export function budgetFindings(
  budget: { monthly: string } | undefined,
  relay: MeetingClusterStatus['relay'],
): Finding[] {
  if (!budget) return []
  const currency = relay?.currency ? ` ${relay.currency}` : ''
  const finding = (type: Finding['type'], cost: string | undefined, verb: string): Finding => {
    if (cost === undefined)
      return { type, status: 'Unknown', reason: REASON.Progressing, message: 'not known yet' }
    const over = Number(cost) > Number(budget.monthly)
    return {
      type,
      status: over ? 'True' : 'False',
      reason: over ? REASON.OverBudget : REASON.WithinBudget,
      message: over
        ? `relaying ${verb} more than the budget of ${budget.monthly}${currency} this month; parley cost report says who is relayed, and why`
        : '',
    }
  }
  return [
    finding(CONDITION.BudgetExceeded, relay?.monthToDate, 'has cost'),
    finding(CONDITION.BudgetForecast, relay?.forecast, 'is going to cost'),
  ]
}
