import { stringify } from 'yaml'
import { boards } from './boards/index.ts'
import { grafanaJson, meterDataSource } from './grafana.ts'
import { ruleFiles } from './rules/index.ts'
import { promtoolTests } from './rules/promtool-tests.ts'

/**
 * Everything that is shipped, by path: `dashboards/*.json` and `datasources/*.yaml` for Grafana, `rules/*.yaml` for
 * Prometheus, `rules/tests/*.yaml` for promtool.
 *
 * @param runbooks what is put before the path of an alert's page
 */
export function dashboardFiles(runbooks = ''): Map<string, string> {
  const base = runbooks === '' || runbooks.endsWith('/') ? runbooks : `${runbooks}/`
  const files = new Map<string, string>()
  for (const board of boards)
    files.set(`dashboards/${board.uid}.json`, `${JSON.stringify(grafanaJson(board), null, 2)}\n`)
  files.set('datasources/parley-meter.yaml', yaml(meterDataSource))
  for (const [name, groups] of Object.entries(ruleFiles())) {
    const text = yaml({ groups }).replaceAll('runbook_url: docs/', `runbook_url: ${base}docs/`)
    files.set(`rules/${name}.yaml`, text)
  }
  for (const [name, tests] of Object.entries(promtoolTests(base)))
    files.set(`rules/tests/${name}.yaml`, yaml(tests))
  return files
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
