import type { RelayCostReport } from '@parley/protocol'
import { isOpen } from '@parley/relay-cost'
import { adviceFrom } from './advice.ts'
import { linkFacts } from './reasons/facts.ts'
import { reportFrom, type UsageReportRequest } from './report.ts'
import type { Store } from './store/store.ts'
import { Usage } from './usage.ts'

/**
 * The report of a store that nobody writes now, or somebody else does; with `advice`, also what could
 * cost less.
 */
export async function storeReport(
  store: Store,
  request: Omit<UsageReportRequest, 'open'> & { region?: string; advice?: boolean },
): Promise<RelayCostReport> {
  const { window, asOf, region = '' } = request
  const usage = new Usage(store, async (hours, records) => ({
    region,
    ...(await linkFacts(store, hours, records, asOf)),
  }))
  const until = Math.min(asOf, window.to)
  const last = await store.records({ from: until - 1, to: until })
  const open = last.filter((record) => isOpen(record, until)).length
  const report = await reportFrom(usage, { ...request, open })
  if (!request.advice) return report
  return { ...report, advice: await adviceFrom(store, usage, { ...request, open }) }
}
