import { type Board, chosen } from '../board.ts'
import { objectives } from '../rules/objectives.ts'

const windows = ['5m', '1h', '6h', '3d'] as const

/** REQ-S4. What is spent of each objective's budget; the rules in rules/ record it. */
export const slos: Board = {
  uid: 'parley-slos',
  title: 'SLOs',
  about: 'How much of each objective is spent. A burn of 1 spends all of it in 30 days.',
  rows: objectives.map(({ id, title, goal, means }) => ({
    title,
    panels: [
      {
        ...{ kind: 'stat', title: `${title}: left`, unit: 'percentunit', width: 6 },
        description: `Of what may go wrong in 30 days, what is left; an hour of few counts like one of many. ${means}`,
        limits: { warn: 0.25, bad: 0, below: true },
        queries: [
          {
            expr: `1 - avg by (namespace, cluster) (avg_over_time(cluster:parley_slo_errors:ratio_rate1h{${chosen},objective="${id}"}[30d])) / ${round(1 - goal)}`,
            legend: '{{namespace}}/{{cluster}}',
          },
        ],
      },
      {
        ...{ kind: 'curve', title: `${title}: burn`, unit: 'none', width: 18 },
        description:
          'How fast it is spent, over four spans. 14.4 over an hour pages, 1 over three days warns.',
        limits: { warn: 1, bad: 14.4 },
        queries: windows.map((window) => ({
          expr: `max by (namespace, cluster) (cluster:parley_slo_errors:ratio_rate${window}{${chosen},objective="${id}"}) / ${round(1 - goal)}`,
          legend: `{{namespace}}/{{cluster}} ${window}`,
        })),
      },
    ],
  })),
}

function round(share: number): number {
  return Number(share.toPrecision(6))
}
