import type { MeetingAlert } from '@parley/protocol'
import { Check } from 'lucide-react'
import { ToggleButton } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { markOf } from './AdminBoard.ts'
import { alertRows } from './boardViews.ts'
import { decimal, time } from './figures.ts'
import { ownBoard } from './ownAdmin.ts'

const rowsMax = 200

/** What opened, and what is over; who has seen one says so, on this device (REQ-G3). */
export function AlertList() {
  const { t } = useTranslation()
  const alerts = useStore(ownBoard.store, (state) => state.alerts)
  const acknowledged = useStore(ownBoard.store, (state) => state.acknowledged)
  const rows = alertRows(alerts.values()).slice(0, rowsMax)
  if (rows.length === 0) return <p className="admin-empty">{t('admin.noAlerts')}</p>
  return (
    <ul className="admin-alerts">
      {rows.map((alert) => (
        <Row key={markOf(alert)} alert={alert} isSeen={acknowledged.has(markOf(alert))} />
      ))}
    </ul>
  )
}

function Row({ alert, isSeen }: { alert: MeetingAlert; isSeen: boolean }) {
  const { t, i18n } = useTranslation()
  const { id, kind, severity, state, since, meetingId, userId, value, at } = alert
  const amount: Record<MeetingAlert['kind'], (value: string) => string> = {
    latency: (ms) => t('admin.ms', { ms }),
    loss: (value) => t('admin.percent', { value }),
    quality: (value) => `MOS ${value}`,
    relay: (value) => value,
  }
  return (
    <li className={`admin-alert ${severity} ${state}${isSeen ? ' seen' : ''}`}>
      <div>
        <strong>{t(`admin.alert.${kind}`)}</strong>
        <span>
          {meetingId} · {userId}
          {value !== null && ` · ${amount[kind](decimal(value, i18n.language))}`}
        </span>
        <small>
          {state === 'open'
            ? t('admin.since', { time: time(since, i18n.language) })
            : t('admin.resolved', { time: time(at, i18n.language) })}
        </small>
      </div>
      {state === 'open' && (
        <ToggleButton
          className="button small"
          aria-label={t(isSeen ? 'admin.acknowledgedOf' : 'admin.acknowledgeOf', {
            alert: t(`admin.alert.${kind}`),
            user: userId,
          })}
          isSelected={isSeen}
          onChange={(seen) => ownBoard.acknowledge(id, seen)}
        >
          {isSeen && <Check aria-hidden="true" />}
          {t(isSeen ? 'admin.acknowledged' : 'admin.acknowledge')}
        </ToggleButton>
      )}
    </li>
  )
}
