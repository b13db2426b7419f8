import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { ruleFiles } from '@parley/dashboards'
import { parseMeetingCluster } from '@parley/operator/api'
import { defaultRenderInputs, type PrometheusRule, renderMonitoring } from '@parley/operator/render'
import type { RuleGroup } from './questions.ts'

const folder = fileURLToPath(new URL('../../../docs/runbooks/', import.meta.url))

/** With all that an alert may be about. */
const mc = parseMeetingCluster({
  apiVersion: 'parley.dev/v1alpha1',
  kind: 'MeetingCluster',
  metadata: { name: 'demo', namespace: 'meetings' },
  spec: {
    ...{ domain: 'meet.example.com', region: 'eu-central-1', sfu: { engine: 'LiveKit' } },
    cost: { budget: { monthly: '500' } },
    turn: { tls: { issuerRef: { name: 'ca', kind: 'Issuer' } } },
  },
})

/** Of the operator's install, and of the MeetingCluster. */
function alerts(): string[] {
  const { capabilities, ...inputs } = defaultRenderInputs()
  const own = renderMonitoring(mc, {
    ...inputs,
    capabilities: { ...capabilities, prometheusRules: true },
  }).filter(({ kind }) => kind === 'PrometheusRule') as PrometheusRule[]
  const groups = [
    ...Object.values(ruleFiles()).flat(),
    ...own.flatMap(({ spec }) => spec.groups),
  ] as RuleGroup[]
  const names = groups.flatMap(({ rules }) => rules).flatMap((r) => ('alert' in r ? r.alert : []))
  return [...new Set(names)].toSorted()
}

describe('runbooks', () => {
  it('REQ-S4: there is one of each alert, and of nothing else, and the list has them all', () => {
    const pages = readdirSync(folder).filter((file) => file.startsWith('Parley'))
    expect(pages.toSorted()).toEqual(alerts().map((alert) => `${alert}.md`))
    const listed = [...readFileSync(`${folder}README.md`, 'utf8').matchAll(/\[\w+\]\((\w+\.md)\)/g)]
    expect(listed.map(([, page]) => page).toSorted()).toEqual(pages.toSorted())
  })

  it('REQ-S4: each says what to do, and when it is over', () => {
    for (const alert of alerts()) {
      const page = readFileSync(`${folder}${alert}.md`, 'utf8')
      expect(page).toMatch(
        new RegExp(`^# ${alert}\n[^]+\n## What to do\n\n[^]{40,}\n## It is over when\n\n\\S`),
      )
    }
  })
})
