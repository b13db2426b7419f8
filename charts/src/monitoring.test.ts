import { expect, it } from '@jest/globals'
import { ruleFiles } from '@parley/dashboards'
import { COMPONENTS } from '@parley/operator/api'

it('REQ-S4: the alerts on CPU and memory watch the containers that pods have', () => {
  const exprs = Object.values(ruleFiles())
    .flat()
    .flatMap(({ rules }) => rules.map(({ expr }) => expr))
    .filter((expr) => expr.includes('container=~'))
  expect(exprs.length).toBeGreaterThan(0)
  for (const expr of exprs)
    for (const [, names = ''] of expr.matchAll(/container=~"([^"]*)"/g))
      expect(names.split('|').toSorted()).toEqual(COMPONENTS.toSorted())
})
