import { relayMetrics } from '@parley/protocol'
import { type Board, type Column, of, rate } from '../board.ts'

const { bytes, cost, users, allocations, forecast, monthToDate, unattributedBytes } = relayMetrics
const figures: Column[] = [
  { field: 'totalCost', title: 'cost', type: 'number' },
  { field: 'egressCost', title: 'of it egress', type: 'number' },
  { field: 'billableBytes', title: 'billable', type: 'number', unit: 'decbytes' },
  { field: 'relayedSeconds', title: 'relayed', type: 'number', unit: 's' },
]
const text = (field: string): Column => ({ field, title: field, type: 'string' })

/** REQ-A4, REQ-K5. */
export const relayAndCost: Board = {
  uid: 'parley-relay-and-cost',
  title: 'Relay and cost',
  about: 'What relaying costs, for whom, and why calls are relayed.',
  rows: [
    {
      title: 'Money',
      panels: [
        {
          ...{ kind: 'stat', title: 'Cost per hour', unit: 'none', width: 6 },
          description: 'Of relaying, at the pace of the last hour.',
          queries: [
            { expr: `3600 * sum by (currency) (${rate(cost, '', '1h')})`, legend: '{{currency}}' },
          ],
        },
        {
          ...{ kind: 'stat', title: 'Month to date', unit: 'none', width: 6 },
          description: 'Of relaying, since the month began (UTC), nodes included.',
          queries: [{ expr: `sum by (currency) (${of(monthToDate)})`, legend: '{{currency}}' }],
        },
        {
          ...{ kind: 'stat', title: 'Month, as it will end', unit: 'none', width: 6 },
          description: 'At the pace of the last 7 days.',
          queries: [{ expr: `sum by (currency) (${of(forecast)})`, legend: '{{currency}}' }],
        },
        {
          ...{ kind: 'stat', title: 'Relayed for nobody', unit: 'percentunit', width: 6 },
          description: 'Bytes under usernames that name no room, of all. Above 1 % look into it.',
          limits: { warn: 0.001, bad: 0.01 },
          queries: [
            {
              expr: `sum(${rate(unattributedBytes, '', '1h')}) / (sum(${rate(bytes, '', '1h')}) > 0)`,
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Cost by the hour', unit: 'none', width: 12 },
          description: 'Of relaying, by region.',
          queries: [
            {
              expr: `3600 * sum by (region, currency) (${rate(cost, '', '1h')})`,
              legend: '{{region}} {{currency}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Relayed', unit: 'bps', width: 12 },
          description: 'As coturn counts it, by leg. turnToClient and turnToPeer go out.',
          queries: [{ expr: `8 * sum by (leg) (${rate(bytes)})`, legend: '{{leg}}' }],
        },
        {
          ...{ kind: 'curve', title: 'On relay', unit: 'short', width: 12 },
          description: 'People with a TURN allocation, and allocations.',
          queries: [
            { expr: `sum by (region) (${of(users)})`, legend: 'people, {{region}}' },
            { expr: `sum by (region) (${of(allocations)})`, legend: 'allocations, {{region}}' },
          ],
        },
      ],
    },
    {
      title: 'Who and why, from the meter',
      panels: [
        {
          ...{ kind: 'rows', title: 'Why relayed', width: 12, path: '/api/v1/report?by=reason' },
          byTenant: true,
          description:
            'udp-blocked: their network lets no UDP through. symmetric-nat: neither end can be reached. policy: the page was told to.',
          columns: [text('reason'), ...figures],
        },
        {
          ...{
            kind: 'rows',
            title: 'Tenants',
            width: 12,
            path: '/api/v1/report?by=tenant&limit=50',
          },
          byTenant: true,
          description: 'The fifty that cost most.',
          columns: [text('tenant'), ...figures],
        },
        {
          ...{ kind: 'rows', title: 'Rooms', width: 24, path: '/api/v1/rooms?limit=200' },
          byTenant: true,
          description: 'The two hundred that cost most.',
          columns: [text('tenant'), text('room'), ...figures],
        },
      ],
    },
  ],
}
