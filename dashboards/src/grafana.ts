import * as barGauge from '@grafana/grafana-foundation-sdk/bargauge'
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { relayMetrics } from '@parley/protocol'
import type { Board, Column, Panel, Query } from './board.ts'

const height = 8
/** Where Grafana puts what is chosen. */
const variable = (name: string) => `\${${name}}`
const prometheus = { type: 'prometheus', uid: variable('prometheus') }
/** https://grafana.com/docs/plugins/yesoreyeram-infinity-datasource: reads JSON over HTTP. */
const infinity = 'yesoreyeram-infinity-datasource'
const meter = { type: infinity, uid: variable('meter') }
const colours = { good: 'green', warn: '#EAB839', bad: 'red' }

/**
 * The second data source, the meter's HTTP API, as Grafana provisions it: `$PARLEY_METER_URL` and `$PARLEY_METER_TOKEN`
 * are of Grafana's own environment, so that no token stands in a file.
 */
export const meterDataSource = {
  apiVersion: 1,
  datasources: [
    {
      name: 'Parley meter',
      uid: 'parley-meter',
      type: infinity,
      access: 'proxy',
      url: '$PARLEY_METER_URL',
      jsonData: { allowedHosts: ['$PARLEY_METER_URL'], httpHeaderName1: 'x-parley-token' },
      secureJsonData: { httpHeaderValue1: '$PARLEY_METER_TOKEN' },
    },
  ],
}

/** The JSON model of a board, as Grafana imports it. The same board gives the same bytes. */
export function grafanaJson(board: Board): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(`Parley · ${board.title}`)
    .uid(board.uid)
    .description(board.about)
    .tags(['parley'])
    .timezone('browser')
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('Parley')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['parley'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
  for (const variable of variables(board)) builder.withVariable(variable)
  let id = 0
  for (const row of board.rows) {
    builder.withRow(new dashboard.RowBuilder(row.title).id(++id))
    for (const panel of row.panels) builder.withPanel(panelOf(panel, ++id))
  }
  return builder.build()
}

function rowsIn({ rows }: Board): RowsPanel[] {
  return rows.flatMap(({ panels }) => panels.filter((panel) => panel.kind === 'rows'))
}

function variables(board: Board): Builder<dashboard.VariableModel>[] {
  const fromMeter = rowsIn(board)
  const series = relayMetrics.allocations.name
  const label = (name: string, within: string) =>
    new dashboard.QueryVariableBuilder(name)
      .datasource(prometheus)
      .query(`label_values(${series}${within}, ${name})`)
      .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
      .sort(dashboard.VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      .current({ selected: true, text: ['All'], value: ['$__all'] })
  return [
    new dashboard.DatasourceVariableBuilder('prometheus').type('prometheus').label('Prometheus'),
    ...(fromMeter.length > 0
      ? [new dashboard.DatasourceVariableBuilder('meter').type(infinity).label('Meter')]
      : []),
    label('region', ''),
    label('namespace', '{region=~"$region"}'),
    label('cluster', '{region=~"$region",namespace=~"$namespace"}'),
    ...(fromMeter.some(({ byTenant }) => byTenant) ? [tenants()] : []),
  ]
}

/** Those who relayed within the ends of the picture; tenants are no labels, so the meter says them. */
function tenants(): Builder<dashboard.VariableModel> {
  const columns: Column[] = [{ field: 'tenant', title: 'tenant', type: 'string' }]
  const infinityQuery = {
    refId: 'variable',
    ...rowsQuery({ path: '/api/v1/report?by=tenant&limit=1000', columns }),
  }
  return new dashboard.QueryVariableBuilder('tenant')
    .datasource(meter)
    .query({ queryType: 'infinity', query: '', refId: 'variable', infinityQuery })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('*')
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}

function panelOf(panel: Panel, id: number): Builder<dashboard.Panel> {
  const builder = drawn(panel)
    .id(id)
    .title(panel.title)
    .description(panel.description)
    .span(panel.width)
    .height(height)
    .datasource(panel.kind === 'rows' ? meter : prometheus)
  if ('unit' in panel) builder.unit(panel.unit)
  if (panel.leadsTo) builder.dataLinks([clusterOn(panel.leadsTo)])
  if (panel.kind === 'rows') return builder.withTarget(infinityTarget(panel))
  panel.queries.forEach((query, index) => {
    builder.withTarget(target(panel.kind, query, String.fromCharCode(65 + index)))
  })
  return builder
}

/** From a series to another board, with the same times, and the cluster of the series chosen. */
function clusterOn(uid: string): Builder<dashboard.DashboardLink> {
  const chosen = ['namespace', 'cluster'].map(
    (name) => `var-${name}=${variable(`__field.labels.${name}`)}`,
  )
  return new dashboard.DashboardLinkBuilder('This cluster')
    .type(dashboard.DashboardLinkType.Link)
    .url(`/d/${uid}?${[...chosen, variable('__url_time_range')].join('&')}`)
}

type AnyPanel =
  | stat.PanelBuilder
  | timeseries.PanelBuilder
  | barGauge.PanelBuilder
  | heatmap.PanelBuilder
  | table.PanelBuilder

function drawn(panel: Panel): AnyPanel {
  switch (panel.kind) {
    case 'stat':
      return limited(new stat.PanelBuilder(), panel)
    case 'bars':
      return limited(new barGauge.PanelBuilder(), panel)
    case 'curve':
      return limited(new timeseries.PanelBuilder().lineWidth(1).fillOpacity(8), panel)
    case 'heatmap':
      return new heatmap.PanelBuilder()
    case 'table':
      return new table.PanelBuilder().withTransformation({
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries(panel.columns.map((column, index) => [column, index])),
        },
      })
    case 'rows': {
      const builder = new table.PanelBuilder()
      for (const { title, unit } of panel.columns)
        if (unit) builder.overrideByName(title, [{ id: 'unit', value: unit }])
      return builder
    }
  }
}

function limited<B extends stat.PanelBuilder | barGauge.PanelBuilder | timeseries.PanelBuilder>(
  builder: B,
  panel: Panel,
): B {
  if (!('limits' in panel) || !panel.limits) return builder
  const { warn, bad, below } = panel.limits
  const { good } = colours
  const steps = below
    ? [
        { value: null, color: colours.bad },
        { value: bad, color: colours.warn },
        { value: warn, color: good },
      ]
    : [
        { value: null, color: good },
        { value: warn, color: colours.warn },
        { value: bad, color: colours.bad },
      ]
  builder.thresholds(
    new dashboard.ThresholdsConfigBuilder()
      .mode(dashboard.ThresholdsMode.Absolute)
      .steps(steps as dashboard.Threshold[]),
  )
  return builder
}

function target(kind: Panel['kind'], { expr, legend }: Query, refId: string): DataqueryBuilder {
  const query = new DataqueryBuilder().refId(refId).expr(expr)
  if (legend) query.legendFormat(legend)
  if (kind === 'heatmap') query.format(PromQueryFormat.Heatmap)
  if (kind === 'table') query.format(PromQueryFormat.Table).instant()
  if (kind === 'stat' || kind === 'bars') query.instant()
  return query
}

type RowsPanel = Extract<Panel, { kind: 'rows' }>

function infinityTarget(panel: RowsPanel): Builder<never> {
  const query = { refId: 'A', datasource: meter, ...rowsQuery(panel) }
  return { build: () => query as never }
}

/** Between the ends of the picture, whatever the path asks for besides. */
function rowsQuery({
  path,
  columns,
  byTenant,
}: Pick<RowsPanel, 'path' | 'columns' | 'byTenant'>): object {
  const asked = [
    `from=${variable('__from:date:iso')}&to=${variable('__to:date:iso')}`,
    ...(byTenant ? [`tenant=${variable('tenant:csv')}`] : []),
  ].join('&')
  return {
    ...{ type: 'json', source: 'url', format: 'table', parser: 'backend' },
    url: `${path}${path.includes('?') ? '&' : '?'}${asked}`,
    url_options: { method: 'GET' },
    root_selector: 'rows',
    columns: columns.map(({ field, title, type }) => ({ selector: field, text: title, type })),
  }
}
