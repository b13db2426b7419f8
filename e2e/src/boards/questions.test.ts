import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { boards, grafanaJson, ruleFiles } from '@parley/dashboards'
import {
  filledIn,
  type GrafanaBoard,
  pathsOf,
  questionsOf,
  questionsOfRules,
  type RuleGroup,
  selectorsIn,
} from './questions.ts'
import { silent } from './silent.ts'

const chosen = { region: '(eu)', namespace: '(meetings)', cluster: '(demo)' }
const made = boards.map((board) => JSON.parse(JSON.stringify(grafanaJson(board))) as GrafanaBoard)

describe('what boards and rules ask', () => {
  it('REQ-A4: is taken from each panel that is drawn, with nothing left to choose', () => {
    const ends = { '__from:date:iso': 'a', '__to:date:iso': 'b', 'tenant:csv': '*' }
    const asked = made.flatMap((board) => [...questionsOf(board, chosen), ...pathsOf(board, ends)])
    const places = new Set(asked.map(({ place }) => place))
    for (const { title, panels } of made)
      for (const { type, title: panel } of panels)
        if (type !== 'row') expect(places).toContain(`${title}: ${panel}`)
    for (const { query } of asked) expect(query).not.toContain('$')
  })

  it('REQ-A4: is refused where a variable has no value', () => {
    expect(filledIn('up{cluster=~"$cluster"}[$__rate_interval]', chosen)).toBe(
      'up{cluster=~"(demo)"}[1m]',
    )
    expect(() => filledIn('up{tenant="$tenant"}', chosen)).toThrow('nothing is chosen for tenant')
  })

  it('REQ-S4: has each series that a rule goes by', () => {
    expect(
      selectorsIn('60 * sum by (a) (rate(x_total{k=~"a|b{1}"}[5m])) / (y{} > 0) and cluster:z{}'),
    ).toEqual(['x_total{k=~"a|b{1}"}', 'y{}', 'cluster:z{}'])
    const groups = Object.values(ruleFiles()).flat() as RuleGroup[]
    for (const { rules } of groups)
      for (const rule of rules) expect(selectorsIn(rule.expr).length).toBeGreaterThan(0)
  })

  it('REQ-S4: is left out by name, where promtool has the series', () => {
    const asked = questionsOfRules(Object.values(ruleFiles()).flat() as RuleGroup[])
    const inPanels = made.flatMap((board) => questionsOf(board, chosen))
    const runbooks = fileURLToPath(new URL('../../../docs/runbooks/', import.meta.url))
    for (const { series, why, alerts } of silent) {
      expect(why.length).toBeGreaterThan(10)
      for (const alert of alerts) expect(existsSync(`${runbooks}${alert}.md`)).toBe(true)
      // What people look at has data.
      expect(inPanels.filter(({ query }) => series.test(query))).toEqual([])
    }
    const left = asked.filter(({ query }) => silent.some(({ series }) => series.test(query)))
    const named = left.map(({ place, query }) => `${place}: ${/^\w+(?=\{)/.exec(query)}`)
    expect(new Set(named)).toEqual(
      new Set([
        'alert ParleyDrainStuck: kube_pod_deletion_timestamp',
        ...['5m', '30m', '1h', '6h', '3d'].flatMap((range) =>
          ['livekit_packet_loss_total', 'parley_http_requests_total'].map(
            (series) => `record cluster:parley_slo_errors:ratio_rate${range}: ${series}`,
          ),
        ),
        ...['1h', '6h', '3d'].map(
          (range) => `record cluster:parley_slo_bad:increase${range}: parley_http_requests_total`,
        ),
      ]),
    )
  })
})
