import { type AdminCosts, flatRatePerRelayedUserHour } from '@parley/protocol'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { bitRate } from '../metrics/format.ts'
import { readCosts } from './adminApi.ts'
import { totalsOf } from './boardViews.ts'
import { money, percent } from './figures.ts'
import { ownBoard } from './ownAdmin.ts'
import { useAsked } from './useAsked.ts'

const costsMs = 30_000

/** The figures that are always in sight. */
export function Tiles() {
  const { t, i18n } = useTranslation()
  const users = useStore(ownBoard.store, (state) => state.users)
  const alerts = useStore(ownBoard.store, (state) => state.alerts)
  const { data: costs, problem } = useAsked<AdminCosts>(readCosts, costsMs)
  const totals = totalsOf(users, alerts)
  const none = t('admin.none')
  return (
    <dl className="admin-tiles">
      <Tile name={t('admin.tile.meetings')} test="meetings">
        {totals.meetings}
      </Tile>
      <Tile name={t('admin.tile.users')} test="users">
        {totals.users}
      </Tile>
      <Tile
        name={t('admin.tile.relayed')}
        test="relayed"
        more={totals.relayShare === null ? undefined : percent(totals.relayShare, i18n.language)}
      >
        {totals.relayed}
      </Tile>
      <Tile
        name={t('admin.tile.estimate')}
        test="estimate"
        more={t('admin.tile.flatRate', {
          rate: money(flatRatePerRelayedUserHour, 'USD', i18n.language),
        })}
      >
        {t('admin.perHour', { cost: money(totals.estimatedPerHour, 'USD', i18n.language) })}
      </Tile>
      <Tile
        name={t('admin.tile.cost')}
        test="cost"
        more={
          costs
            ? t('admin.tile.month', {
                cost: money(costs.monthToDate, costs.currency, i18n.language),
              })
            : problem && t(problem === 'not-found' ? 'admin.noMeter' : 'admin.meterAway')
        }
      >
        {costs
          ? t('admin.perHour', { cost: money(costs.perHour, costs.currency, i18n.language) })
          : none}
      </Tile>
      <Tile name={t('admin.tile.bandwidth')} test="bandwidth">
        {bitRate(totals.kbps, i18n.language)}
      </Tile>
      <Tile name={t('admin.tile.alerts')} test="alerts">
        {totals.openAlerts}
      </Tile>
    </dl>
  )
}

function Tile(props: {
  name: string
  test: string
  more?: string | undefined
  children: ReactNode
}) {
  return (
    <div className="admin-tile" data-figure={props.test}>
      <dt>{props.name}</dt>
      <dd>
        <strong>{props.children}</strong>
        {props.more && <small>{props.more}</small>}
      </dd>
    </div>
  )
}
