import type { AdminHistory, KnownLink, LiveUser, MinutePoint } from '@parley/protocol'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { DialogFrame } from '../../ui/DialogFrame.tsx'
import { userKey } from './AdminBoard.ts'
import { LineChart } from './LineChart.tsx'
import { ownBoard, ownSession } from './ownAdmin.ts'
import { RelayBadge } from './RelayBadge.tsx'

type Props = { room: string; person: string; onClose(): void }

/** Somebody's last hour, and why they are relayed. */
export default function PersonDialog({ room, person, onClose }: Props) {
  const { t } = useTranslation()
  const user = useStore(ownBoard.store, ({ users }) =>
    users.get(userKey({ meetingId: room, userId: person })),
  )
  const [history, setHistory] = useState<AdminHistory | 'asking' | 'away'>('asking')
  const [recent, setRecent] = useState<LiveUser[]>([])
  useEffect(() => {
    let over = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      const found = await ownSession.history(room, person).catch(() => 'away' as const)
      if (over) return
      setHistory((before) => (found === 'away' && typeof before === 'object' ? before : found))
      timer = setTimeout(ask, askAgainMs)
    }
    void ask()
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [room, person])
  useEffect(() => {
    if (user) setRecent((before) => [...before, user].slice(-recentMax))
  }, [user])
  const known = typeof history === 'object' ? history : undefined
  const points = useMemo(
    // A chart goes from left to right; the last event may be older than the minute that has just ended.
    () => [...(known?.minutes ?? []), ...recent.map(pointOf)].sort((a, b) => a.at - b.at),
    [known, recent],
  )
  const at = useMemo(() => points.map((point) => point.at), [points])
  return (
    <DialogFrame title={person} close={t('admin.close')} className="admin-person" onClose={onClose}>
      <p className="admin-where">{room}</p>
      {!user && <p className="callout">{t('admin.left')}</p>}
      {history === 'away' && <p className="callout warn">{t('admin.historyAway')}</p>}
      <Links links={known?.links ?? []} relayed={(user?.metrics.relayed ?? 0) > 0} />
      <LineChart
        title={t('admin.chart.bandwidth')}
        at={at}
        spanMs={hourMs}
        lines={[
          { name: t('admin.user.up'), values: points.map(({ up }) => up), colour: '--accent' },
          { name: t('admin.user.down'), values: points.map(({ down }) => down), colour: '--fair' },
        ]}
      />
      <LineChart
        title={t('admin.chart.rtt')}
        at={at}
        spanMs={hourMs}
        lines={[
          { name: t('admin.user.rtt'), values: points.map(({ rtt }) => rtt), colour: '--fair' },
        ]}
      />
      <LineChart
        title={t('admin.chart.loss')}
        at={at}
        spanMs={hourMs}
        lines={[
          { name: t('admin.user.loss'), values: points.map(({ loss }) => loss), colour: '--poor' },
        ]}
      />
      <LineChart
        title={t('admin.chart.mos')}
        at={at}
        spanMs={hourMs}
        lines={[
          { name: t('admin.user.mos'), values: points.map(({ mos }) => mos), colour: '--accent' },
        ]}
      />
    </DialogFrame>
  )
}

const hourMs = 3_600_000
/** Why somebody is relayed is known a little after that they are. */
const askAgainMs = 10_000
/** An hour, at one in ten seconds. */
const recentMax = 360

function pointOf({ at, metrics, mos, quality }: LiveUser): MinutePoint {
  const { up, down, rtt, loss, relayed } = metrics
  return { at, up, down, rtt, loss, mos, quality, relayed: relayed > 0 ? 1 : 0 }
}

function Links({ links, relayed }: { links: readonly KnownLink[]; relayed: boolean }) {
  const { t } = useTranslation()
  const over = links.filter((link) => link.relayed)
  if (over.length === 0) return relayed ? <p>{t('admin.relay.notSaid')}</p> : null
  return (
    <section aria-label={t('admin.relay.why')}>
      <h3>{t('admin.relay.why')}</h3>
      <ul className="admin-links">
        {over.map(({ peer, reason = 'unknown', relayOf = 'self', relayProtocol }) => (
          <li key={peer ?? 'sfu'}>
            <RelayBadge />
            <span>
              {peer ?? 'SFU'}: {t(`admin.reason.${reason}`)}
            </span>
            <small>
              {t(`admin.relay.of.${relayOf}`)}
              {relayProtocol && ` · ${relayProtocol.toUpperCase()}`}
            </small>
          </li>
        ))}
      </ul>
    </section>
  )
}
