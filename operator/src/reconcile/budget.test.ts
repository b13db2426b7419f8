import { describe, expect, it } from '@jest/globals'
import pino from 'pino'
import type { MeetingClusterStatus } from '../api/index.ts'
import { meetingCluster } from '../api/testing/specs.ts'
import { announceConditions } from './announce.ts'
import { budgetFindings } from './budget.ts'
import { mergeConditions } from './conditions.ts'

const relay = (monthToDate: string, forecast?: string): MeetingClusterStatus['relay'] => ({
  ...{ allocations: 0, users: 0, costPerHour: '0', monthToDate, currency: 'USD' },
  ...(forecast === undefined ? {} : { forecast }),
})
const budget = { monthly: '500' }
const said = (...args: Parameters<typeof budgetFindings>) =>
  budgetFindings(...args).map(({ type, status, reason }) => `${type} ${status} ${reason}`)

describe('the conditions of a budget', () => {
  it('REQ-K5: say whether the month costs too much, or is going to', () => {
    expect(said(budget, relay('499.9900', '500.0000'))).toEqual([
      'BudgetExceeded False WithinBudget',
      'BudgetForecast False WithinBudget',
    ])
    expect(said(budget, relay('90.0000', '500.0100'))).toEqual([
      'BudgetExceeded False WithinBudget',
      'BudgetForecast True OverBudget',
    ])
    expect(said(budget, relay('500.0001', '900.0000'))).toEqual([
      'BudgetExceeded True OverBudget',
      'BudgetForecast True OverBudget',
    ])
  })

  it('REQ-K5: are not known before the meter has said, and not there without a budget', () => {
    expect(said(budget, undefined)).toEqual([
      'BudgetExceeded Unknown Progressing',
      'BudgetForecast Unknown Progressing',
    ])
    expect(said(budget, relay('1'))).toContain('BudgetForecast Unknown Progressing')
    expect(said(undefined, relay('1', '2'))).toEqual([])
  })

  it('REQ-K5: are told of once when they change, and not when all is well from the start', () => {
    const events: string[] = []
    const audience = {
      events: {
        record: (_: unknown, __: unknown, { type, reason }: { type: string; reason: string }) =>
          void events.push(`${type} ${reason}`),
      },
      log: pino({ level: 'silent' }),
    }
    let cluster = { ...meetingCluster(), status: {} as MeetingClusterStatus }
    const now = (next: MeetingClusterStatus['relay']) => {
      const findings = budgetFindings(budget, next)
      const conditions = mergeConditions(cluster.status.conditions ?? [], findings, 1, 0)
      announceConditions(audience, cluster as never, { conditions })
      cluster = { ...cluster, status: { conditions } }
    }
    now(undefined)
    now(relay('1', '2'))
    expect(events).toEqual([])
    now(relay('1', '501'))
    now(relay('2', '502'))
    expect(events).toEqual(['Warning OverBudget'])
    now(relay('2', '400'))
    expect(events).toEqual(['Warning OverBudget', 'Normal WithinBudget'])
  })
})
