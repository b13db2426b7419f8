import type { TrafficLive, TrafficSeries } from '@parley/protocol'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { readHttp, readHttpSeries } from './adminApi.ts'
import { bytes, decimal, percent } from './figures.ts'
import { LineChart } from './LineChart.tsx'
import { useAsked } from './useAsked.ts'

const liveMs = 2000
const seriesMs = 60_000
/** There is nothing in it to go to that would bring the rest into sight. */
const scrolledByKeys = { tabIndex: 0 }

/** What this server is asked (REQ-A2). */
export default function HttpTab() {
  const { t, i18n } = useTranslation()
  const { data, problem } = useAsked<TrafficLive>(readHttp, liveMs)
  const series = useAsked<TrafficSeries>(readHttpSeries, seriesMs).data
  const language = i18n.language
  const ms = (value: number | null) =>
    value === null ? t('admin.none') : t('admin.ms', { ms: decimal(value, language) })
  const hours = useMemo(() => (series?.rows ?? []).map((row) => Date.parse(row.time)), [series])
  const lines = useMemo(
    () => ({
      count: [
        {
          name: t('admin.http.count'),
          values: (series?.rows ?? []).map((row) => row.count),
          colour: '--accent',
        },
        {
          name: t('admin.http.errors'),
          values: (series?.rows ?? []).map((row) => row.errors),
          colour: '--poor',
        },
      ] as const,
      p95: [
        { name: 'P50', values: (series?.rows ?? []).map((row) => row.p50Ms), colour: '--good' },
        { name: 'P95', values: (series?.rows ?? []).map((row) => row.p95Ms), colour: '--fair' },
        { name: 'P99', values: (series?.rows ?? []).map((row) => row.p99Ms), colour: '--poor' },
      ] as const,
    }),
    [series, t],
  )
  if (!data)
    return (
      <p className="admin-empty">
        {problem
          ? t(problem === 'not-found' ? 'admin.noMeter' : 'admin.meterAway')
          : t('app.loading')}
      </p>
    )
  const { perSecond, total, top } = data
  const figures = [
    [t('admin.http.in'), t('admin.http.perSecond', { value: bytes(perSecond.bytesIn, language) })],
    [
      t('admin.http.out'),
      t('admin.http.perSecond', { value: bytes(perSecond.bytesOut, language) }),
    ],
    [t('admin.http.rate'), decimal(perSecond.count, language)],
    ['P50', ms(total.p50Ms)],
    ['P95', ms(total.p95Ms)],
    ['P99', ms(total.p99Ms)],
    [
      t('admin.http.errorRate'),
      percent(total.count > 0 ? total.errors / total.count : 0, language, 2),
    ],
  ] as const
  return (
    <section className="admin-charts">
      {problem && <p className="callout warn">{t('admin.meterAway')}</p>}
      <dl className="admin-tiles">
        {figures.map(([name, value]) => (
          <div key={name} className="admin-tile">
            <dt>{name}</dt>
            <dd>
              <strong>{value}</strong>
            </dd>
          </div>
        ))}
      </dl>
      <section className="admin-scroll" aria-label={t('admin.http.top')} {...scrolledByKeys}>
        <table className="admin-table">
          <caption>{t('admin.http.top')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('admin.http.endpoint')}</th>
              <th scope="col">{t('admin.http.count')}</th>
              <th scope="col">P95</th>
              <th scope="col">{t('admin.http.errors')}</th>
              <th scope="col">{t('admin.http.out')}</th>
            </tr>
          </thead>
          <tbody>
            {top.map((row) => (
              <tr key={`${row.method} ${row.name}`}>
                <th scope="row">
                  {row.method} {row.name}
                </th>
                <td>{decimal(row.count, language)}</td>
                <td>{ms(row.p95Ms)}</td>
                <td>{decimal(row.errors, language)}</td>
                <td>{bytes(row.bytesOut, language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <LineChart title={t('admin.http.day')} at={hours} lines={lines.count} />
      <LineChart title={t('admin.http.latencyDay')} at={hours} lines={lines.p95} />
    </section>
  )
}
