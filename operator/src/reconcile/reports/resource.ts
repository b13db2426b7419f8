import type { RelayCostReport, ReportRow } from '@parley/protocol'
import {
  API_VERSION,
  KIND,
  type MeetingCluster,
  REPORT_KIND,
  REPORT_NOTES,
  REPORT_ROWS,
  type RelayCostReportResource,
} from '../../api/index.ts'
import { labelsOf } from '../../render/index.ts'
import type { K8sObject } from '../../runtime/resources.ts'
import { plainText } from '../conditions.ts'
import type { Period } from './periods.ts'

/** When the meter was asked, on the metadata: so that a list of metadata says what is out of date. */
export const AS_OF_ANNOTATION = 'parley.dev/as-of'

/** What the meter said of a period, asked by room, by tenant and by reason. */
export interface PeriodReports {
  rooms: RelayCostReport
  tenants: RelayCostReport
  reasons: RelayCostReport
}

/**
 * The RelayCostReport of a period: bounded, whatever the meter says.
 * @param asOf epoch ms when the meter was asked
 */
export function reportResource(
  cluster: MeetingCluster & K8sObject,
  { suffix, from, to }: Period,
  { rooms, tenants, reasons }: PeriodReports,
  asOf: number,
): RelayCostReportResource & K8sObject {
  const { namespace, name, uid } = cluster.metadata
  const { totals, currency, prices, notes } = rooms
  return {
    apiVersion: API_VERSION,
    kind: REPORT_KIND,
    metadata: {
      name: `${name}-${suffix}`,
      ...(namespace && { namespace }),
      labels: labelsOf(cluster),
      annotations: { [AS_OF_ANNOTATION]: iso(asOf) },
      ownerReferences: [
        {
          apiVersion: API_VERSION,
          kind: KIND,
          name,
          uid: uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { clusterRef: { name }, window: { from: iso(from), to: iso(to) } },
    report: {
      asOf: iso(asOf),
      currency: plainText(currency, 16),
      prices: plainText(prices.name, 128),
      cost: money(totals.cost.total),
      relayedGB: (relayed(totals) / 1e9).toFixed(3),
      allocations: totals.allocations,
      relayedSeconds: Math.round(totals.relayedSeconds),
      billableBytes: totals.bytes.billable,
      unattributedBytes: totals.unattributedBytes,
      rooms: top(rooms, ({ key }) => ({ room: id(key.room), tenant: id(key.tenant) })),
      tenants: top(tenants, ({ key }) => ({ tenant: id(key.tenant) })),
      reasons: top(reasons, ({ key }) => ({ reason: id(key.reason) })),
      notes: notes.slice(0, REPORT_NOTES).map((note) => plainText(note, 300)),
    },
  } as RelayCostReportResource & K8sObject
}

/** The meter's rows come with those first that cost most. */
function top<K extends object>(report: RelayCostReport, keyOf: (row: ReportRow) => K) {
  return report.rows
    .slice(0, REPORT_ROWS)
    .map((row) => ({ ...keyOf(row), bytes: relayed(row), cost: money(row.cost.total) }))
}

function relayed({ bytes }: Pick<ReportRow, 'bytes'>): number {
  return bytes.clientToTurn + bytes.turnToClient + bytes.turnToPeer + bytes.peerToTurn
}

function id(value = ''): string {
  return plainText(value, 64)
}

function money(amount: number): string {
  return amount.toFixed(4)
}

function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
