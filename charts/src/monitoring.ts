import { boards, grafanaJson, ruleFiles } from '@parley/dashboards'
import { block, labels, NAME, object, own, when } from './parts.ts'
import { type Document, Merged, type PartMap } from './template.ts'

/** Boards and rules over all MeetingClusters; each one's own come with it. */
export function monitoring(): Document[] {
  return [
    ...boards.map((board) => ({
      file: 'dashboards.yaml',
      when: when('$.Values.monitoring.dashboards', (v) => v.monitoring.dashboards),
      object: object(
        'v1',
        'ConfigMap',
        {
          ...own(`${NAME}-${board.uid.replace(/^parley-/, 'board-')}`),
          labels: new Merged(
            labels,
            block('$.Values.monitoring.dashboardLabels', (v) => v.monitoring.dashboardLabels),
          ),
        },
        { data: { [`${board.uid}.json`]: JSON.stringify(grafanaJson(board)) } },
      ),
    })),
    {
      file: 'rules.yaml',
      when: when('$.Values.monitoring.rules', (v) => v.monitoring.rules),
      object: object('monitoring.coreos.com/v1', 'PrometheusRule', own(`${NAME}-rules`), {
        spec: { groups: Object.values(ruleFiles()).flat() as unknown as PartMap[] },
      }),
    },
  ]
}
