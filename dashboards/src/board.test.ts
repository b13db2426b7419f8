import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import {
  clientMetrics,
  meetingMetrics,
  operatorMetrics,
  relayMetrics,
  sfuMetrics,
  signalingMetrics,
  trafficMetrics,
} from '@parley/protocol'
import { parse } from 'yaml'
import { boards, dashboardFiles, expressionsOf, ruleFiles } from './index.ts'
import { objectives } from './rules/objectives.ts'
import { promtoolTests } from './rules/promtool-tests.ts'

const known: string[] = [
  ...Object.values({ ...meetingMetrics, ...relayMetrics, ...signalingMetrics }),
  ...Object.values({ ...operatorMetrics, ...sfuMetrics }),
  ...Object.values(clientMetrics),
  ...Object.values(trafficMetrics),
].map(({ name }) => name)
/** Of Prometheus itself, of kube-state-metrics and of cAdvisor. */
const foreign = ['up', 'kube_', 'container_']

/** Names of series in an expression. */
function seriesIn(expr: string): string[] {
  const bare = expr.replace(/"[^"]*"/g, '""').replace(/\{[^}]*\}/g, '{}')
  const words = bare
    .replace(/\b(by|without|on|ignoring|group_left)\s*\([^)]*\)/g, '')
    .matchAll(/[a-zA-Z_:][a-zA-Z0-9_:]*(?=\{|\[|\s|\)|$)(?!\s*\()/g)
  const keywords = new Set(['and', 'or', 'unless', 'bool', 'by', 'on', '__rate_interval'])
  return [...words].map(([word]) => word).filter((word) => !keywords.has(word))
}

const alerts = Object.values(ruleFiles())
  .flat()
  .flatMap(({ rules }) => rules)

describe('boards', () => {
  it('REQ-A4: are the eight, with an address of their own each', () => {
    expect(boards.map(({ title }) => title)).toEqual([
      ...['Overview', 'Call quality', 'Relay and cost', 'SFU', 'TURN', 'Signaling', 'Operator'],
      'SLOs',
    ])
    const uids = boards.map(({ uid }) => uid)
    expect(new Set(uids).size).toBe(boards.length)
    for (const uid of uids) expect(uid).toMatch(/^[a-z-]{1,40}$/)
  })

  it('REQ-A4: ask for nothing that no process registers', () => {
    const asked = boards.flatMap((board) => expressionsOf(board))
    expect(asked.length).toBeGreaterThan(50)
    for (const { place, expr } of asked)
      for (const name of seriesIn(expr)) {
        const plain = name.replace(/_(bucket|sum|count)$/, '')
        const is =
          known.includes(plain) ||
          name.startsWith('cluster:parley_slo_errors:') ||
          foreign.some((start) => name.startsWith(start))
        if (!is) throw new Error(`${place}: ${name} is not in the catalogue of metrics`)
      }
  })

  it('REQ-A4: keep clusters of one name apart, in whichever namespace', () => {
    for (const { place, expr } of boards.flatMap((board) => expressionsOf(board)))
      for (const [, labels = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
        if (labels.split(', ').includes('cluster'))
          expect({ place, labels }).toEqual({ place, labels: expect.stringContaining('namespace') })
  })

  it('REQ-A4: and rules ask for the metrics of no other operator, which are called alike', () => {
    const asked = [
      ...boards.flatMap((board) => expressionsOf(board).map(({ expr }) => expr)),
      ...alerts.map(({ expr }) => expr),
    ].join('\n')
    const names = Object.values(operatorMetrics).map(({ name }) => name)
    const uses = asked.match(new RegExp(`(${names.join('|')})(_bucket)?\\b.{0,30}`, 'g')) ?? []
    expect(uses.length).toBeGreaterThan(8)
    for (const use of uses)
      expect(use).toMatch(
        /\{(controller="meetingcluster"|name=~"parley-manager|pod=~"parley-operator)/,
      )
  })

  it('REQ-A4: say of every panel what it means, and fill no row beyond its 24 columns', () => {
    for (const { rows } of boards)
      for (const { panels } of rows) {
        let used = 0
        for (const { description, width } of panels) {
          expect(description).toMatch(/^\S.{8,}[.]$/)
          used = used + width > 24 ? width : used + width
          expect(width).toBeLessThanOrEqual(24)
        }
        expect(used).toBeGreaterThan(0)
      }
  })

  it('REQ-A4: rooms and tenants are asked of the meter, and of the tenants that are chosen', () => {
    const board = JSON.parse(dashboardFiles().get('dashboards/parley-relay-and-cost.json') ?? '')
    const { list } = board.templating as { list: { name: string; allValue?: string }[] }
    expect(list.map(({ name }) => name)).toEqual([
      ...['prometheus', 'meter', 'region', 'namespace', 'cluster', 'tenant'],
    ])
    expect(list.at(-1)).toMatchObject({
      ...{ type: 'query', multi: true, includeAll: true, allValue: '*' },
      query: { queryType: 'infinity', infinityQuery: { root_selector: 'rows' } },
    })
    const urls = (board.panels as { targets?: { url?: string }[] }[])
      .flatMap(({ targets = [] }) => targets)
      .flatMap(({ url }) => url ?? [])
    expect(urls).toHaveLength(3)
    for (const url of urls) expect(url).toMatch(/&tenant=\$\{tenant:csv\}$/)
  })

  it('REQ-A4: lead from one to another, and from a cluster of the overview to what there is of that cluster', () => {
    const json = (uid: string) => {
      const text = dashboardFiles().get(`dashboards/${uid}.json`) ?? ''
      return JSON.parse(text) as GrafanaBoard
    }
    for (const { uid } of boards) {
      const { links, templating } = json(uid)
      expect(links).toMatchObject([{ tags: ['parley'], includeVars: true, keepTime: true }])
      expect(templating.list.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['region', 'namespace', 'cluster']),
      )
    }
    const led = json('parley-overview').panels.flatMap(({ fieldConfig, targets = [] }) =>
      (fieldConfig?.defaults.links ?? []).map(({ url }) => ({ url, targets })),
    )
    const cluster = ['namespace', 'cluster'].map((name) => `var-${name}=\${__field.labels.${name}}`)
    expect(led.map(({ url }) => url)).toEqual(
      ['parley-signaling', 'parley-turn', 'parley-relay-and-cost'].map(
        (uid) => `/d/${uid}?${cluster.join('&')}&\${__url_time_range}`,
      ),
    )
    for (const { targets } of led)
      for (const { expr } of targets) expect(expr).toMatch(/by \(namespace, cluster[,)]/)
  })

  it('REQ-A4: are the same bytes each time, and each panel has an id and each query a letter', () => {
    expect([...dashboardFiles()]).toEqual([...dashboardFiles()])
    for (const [path, text] of dashboardFiles()) {
      if (!path.startsWith('dashboards/')) continue
      const { panels } = JSON.parse(text) as { panels: GrafanaPanel[] }
      const ids = panels.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const { targets = [] } of panels) {
        const letters = targets.map(({ refId }) => refId)
        expect(letters).toEqual([...'ABCDEF'].slice(0, letters.length))
      }
    }
  })

  it('REQ-A4: come with the data source that they ask for rooms, without a token of anybody', () => {
    const text = dashboardFiles().get('datasources/parley-meter.yaml') ?? ''
    const { datasources } = parse(text) as { datasources: { type: string }[] }
    const asked = [...dashboardFiles()].flatMap(([path, json]) =>
      path.startsWith('dashboards/') ? [...json.matchAll(/"query": "([\w-]+-datasource)"/g)] : [],
    )
    expect(new Set(asked.map(([, type]) => type))).toEqual(
      new Set(datasources.map(({ type }) => type)),
    )
    expect(datasources).toMatchObject([
      {
        url: '$PARLEY_METER_URL',
        jsonData: { httpHeaderName1: 'x-parley-token' },
        secureJsonData: { httpHeaderValue1: '$PARLEY_METER_TOKEN' },
      },
    ])
  })

  it('REQ-A4: lay panels side by side', () => {
    for (const [path, text] of dashboardFiles()) {
      if (!path.startsWith('dashboards/')) continue
      const { panels } = JSON.parse(text) as { panels: GrafanaPanel[] }
      const covered = new Set<string>()
      for (const { gridPos } of panels)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(covered.has(`${x} ${y}`)).toBe(false)
            covered.add(`${x} ${y}`)
          }
    }
  })
})

type GrafanaBoard = {
  links: object[]
  templating: { list: { name: string }[] }
  panels: GrafanaPanel[]
}
type GrafanaPanel = {
  id: number
  targets?: { refId: string; expr?: string }[]
  fieldConfig?: { defaults: { links?: { url: string }[] } }
  gridPos: { x: number; y: number; w: number; h: number }
}

describe('alerts', () => {
  it('REQ-S4: each has a page on what to do, and each page an alert', async () => {
    const folder = fileURLToPath(new URL('../../docs/runbooks', import.meta.url))
    const pages = (await readdir(folder)).filter((file) => file.startsWith('Parley'))
    for (const rule of alerts)
      if ('alert' in rule) {
        expect(rule.annotations.runbook_url).toBe(`docs/runbooks/${rule.alert}.md`)
        expect(pages).toContain(`${rule.alert}.md`)
      }
  })

  it('REQ-S4: each fires in a test of promtool’s, and each objective', () => {
    const fired = Object.values(promtoolTests()).flatMap(({ tests }) =>
      tests.flatMap(({ alert_rule_test }) =>
        alert_rule_test.flatMap(({ alertname, exp_alerts }) =>
          (exp_alerts as { exp_labels: Record<string, string> }[]).map(({ exp_labels }) => ({
            ...{ alert: alertname, objective: exp_labels.objective },
          })),
        ),
      ),
    )
    for (const rule of alerts)
      if ('alert' in rule) expect(fired.map(({ alert }) => alert)).toContain(rule.alert)
    for (const { id } of objectives) expect(fired.map((one) => one.objective)).toContain(id)
  })

  it('REQ-S4: link to where the sources are read', () => {
    const files = dashboardFiles('https://git.example.com/parley/blob/main')
    const at = 'runbook_url: https://git.example.com/parley/blob/main/docs/runbooks/Parley'
    expect(files.get('rules/slo.yaml')).toContain(at)
    expect(files.get('rules/tests/slo.yaml')).toContain(at)
  })
})
