import { z } from 'zod'
import { objectName } from './fields.ts'
import { API_VERSION, REPORT_KIND } from './names.ts'

/**
 * The RelayCostReport: what relaying cost a MeetingCluster in one period. The operator writes it; nobody
 * else has to, and nothing acts on what somebody else writes into it.
 */

const count = () => z.int().min(0)
const instant = () => z.string().meta({ format: 'date-time' })
/** A decimal amount of money: a string, because a CRD should hold no floating-point number. */
const money = () => z.string().max(32)

/** Rows of one table of a report. */
export const REPORT_ROWS = 10
export const REPORT_NOTES = 6
const NOTE_MAX = 300
/** Ids of tenants and rooms, and the names of rows that stand for nobody. */
const ID_MAX = 64

const row = (key: string, description: string) =>
  z
    .array(
      z.strictObject({
        [key]: z.string().max(ID_MAX).describe('Whose.'),
        ...(key === 'room'
          ? { tenant: z.string().max(ID_MAX).describe('Tenant of the room.') }
          : {}),
        bytes: count().describe('Bytes relayed, those of all four legs.'),
        cost: money().describe('Cost.'),
      }),
    )
    .max(REPORT_ROWS)
    .describe(description)

export const relayCostReportSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(REPORT_KIND),
    metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
    spec: z
      .strictObject({
        clusterRef: z
          .strictObject({ name: objectName().describe('Name of the MeetingCluster.') })
          .describe('Whose costs these are; in the same namespace.'),
        window: z
          .strictObject({
            from: instant().describe('Beginning.'),
            to: instant().describe('End, which is not part of it.'),
          })
          .describe('The period, in whole hours of UTC.'),
      })
      .describe('What the report is about.'),
    report: z
      .strictObject({
        asOf: instant().describe(
          'When the meter was asked: before the end of the period, the rest of it is to come.',
        ),
        currency: z.string().max(16).describe('Currency of all costs.'),
        prices: z.string().max(128).describe('Name of the price list.'),
        cost: money().describe('Cost of the period: egress, nodes and idle nodes.'),
        relayedGB: z.string().max(32).describe('Gigabytes (1e9) relayed, those of all four legs.'),
        allocations: count().describe('TURN allocations.'),
        relayedSeconds: count().describe('Time for which they were open, added up.'),
        billableBytes: count().describe('Bytes that the price list charges for.'),
        unattributedBytes: count().describe('Bytes that belong to nobody; none are hidden.'),
        rooms: row('room', 'Rooms that cost most.'),
        tenants: row('tenant', 'Tenants that cost most.'),
        reasons: row('reason', 'Why participants were relayed, as far as their pages said.'),
        notes: z
          .array(z.string().max(NOTE_MAX))
          .max(REPORT_NOTES)
          .describe('What the meter says of the report.'),
      })
      .describe('What relaying came to, as the meter says.'),
  })
  .describe(
    'A RelayCostReport says what relaying cost a MeetingCluster in one hour, or another interval, or one day. The operator writes it, and deletes it when it is old.',
  )

export type RelayCostReportResource = z.output<typeof relayCostReportSchema>
