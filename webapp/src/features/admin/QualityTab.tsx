import { qualityLabels } from '@parley/protocol'
import { lazy, Suspense, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { Loading } from '../../ui/Loading.tsx'
import { latencyRows } from './AdminBoard.ts'
import { totalsOf } from './boardViews.ts'
import { percent, time } from './figures.ts'
import { heatOf } from './heat.ts'
import { LineChart } from './LineChart.tsx'
import { ownBoard } from './ownAdmin.ts'

const HeatMap = lazy(() => import('./HeatMap.tsx'))

/** How good calls are, over all meetings, since the page was opened (REQ-A1, REQ-A2). */
export default function QualityTab() {
  const { t, i18n } = useTranslation()
  const users = useStore(ownBoard.store, (state) => state.users)
  const alerts = useStore(ownBoard.store, (state) => state.alerts)
  const trend = useStore(ownBoard.store, (state) => state.trend)
  const { quality, users: count } = totalsOf(users, alerts)
  const at = useMemo(() => trend.map((point) => point.at), [trend])
  const heat = useMemo(() => heatOf(trend, ({ latency }) => latency), [trend])
  const qualityHeat = useMemo(() => heatOf(trend, ({ quality }) => quality), [trend])
  const qualityNames = useMemo(() => qualityLabels.map((label) => t(`admin.quality.${label}`)), [t])
  const columns = useMemo(
    () => heat.times.map((ms) => time(ms, i18n.language)),
    [heat, i18n.language],
  )
  const lines = useMemo(
    () => ({
      users: [
        { name: t('admin.tile.users'), values: trend.map((p) => p.users), colour: '--accent' },
        { name: t('admin.tile.relayed'), values: trend.map((p) => p.relayed), colour: '--fair' },
      ] as const,
      score: [
        { name: t('admin.meeting.score'), values: trend.map((p) => p.score), colour: '--good' },
      ] as const,
      kbps: [
        { name: t('admin.tile.bandwidth'), values: trend.map((p) => p.kbps), colour: '--accent' },
      ] as const,
    }),
    [trend, t],
  )
  return (
    <section className="admin-charts">
      <figure className="admin-chart">
        <figcaption>{t('admin.chart.distribution')}</figcaption>
        <ul className="admin-bars">
          {qualityLabels.map((label) => (
            <li key={label}>
              <span>{t(`admin.quality.${label}`)}</span>
              <span className={`admin-bar ${label}`} aria-hidden="true">
                <span style={{ width: `${(100 * quality[label]) / Math.max(1, count)}%` }} />
              </span>
              <span>
                {quality[label]}
                {count > 0 && ` · ${percent(quality[label] / count, i18n.language)}`}
              </span>
            </li>
          ))}
        </ul>
      </figure>
      <Suspense fallback={<Loading />}>
        <HeatMap
          title={t('admin.chart.quality')}
          columns={columns}
          rows={qualityNames}
          cells={qualityHeat.cells}
          range={qualityHeat.range}
        />
        <HeatMap
          title={t('admin.chart.latency')}
          columns={columns}
          rows={latencyNames}
          cells={heat.cells}
          range={heat.range}
        />
      </Suspense>
      <LineChart title={t('admin.chart.users')} at={at} lines={lines.users} />
      <LineChart title={t('admin.chart.score')} at={at} lines={lines.score} />
      <LineChart title={t('admin.chart.bandwidth')} at={at} lines={lines.kbps} />
    </section>
  )
}

const latencyNames = [...latencyRows.map((end) => `< ${end} ms`), `≥ ${latencyRows.at(-1)} ms`]
