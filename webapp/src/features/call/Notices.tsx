import { ServerOff, Waypoints, X } from 'lucide-react'
import { useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { ownCall } from './ownCall.ts'
import { relayNotice } from './relayNotice.ts'
import { toastLines } from './toasts.ts'

export function ConnectionNotice() {
  const { t } = useTranslation()
  const signaling = useAppState((state) => state.call.signaling)
  if (signaling === 'up') return null
  return (
    <div className="callout warn">
      {signaling === 'lost' ? (
        <ServerOff aria-hidden="true" />
      ) : (
        <span className="spinner" aria-hidden="true" />
      )}
      <div>{t(`call.signaling.${signaling}`)}</div>
      {signaling === 'lost' && (
        <Button className="button small" onPress={() => void ownCall.retry()}>
          {t('call.signaling.retry')}
        </Button>
      )}
    </div>
  )
}

/** Shown while on a relay (REQ-M6), until hidden by hand. */
export function RelayBanner() {
  const { t, i18n } = useTranslation()
  const call = useAppState((state) => state.call)
  const [hidden, setHidden] = useState<string>()
  const notice = relayNotice(call)
  if (!notice || hidden === notice.kind) return null
  const text =
    notice.kind === 'others'
      ? t('relay.others', { names: new Intl.ListFormat(i18n.language).format(notice.names) })
      : t(`relay.${notice.kind}`)
  return (
    <div className="callout relay">
      <Waypoints aria-hidden="true" />
      <div>{text}</div>
      <IconButton label={t('relay.hide')} className="quiet" onPress={() => setHidden(notice.kind)}>
        <X />
      </IconButton>
    </div>
  )
}

/** Who came and went: on screen for a moment, and said by screen readers. */
export function Toasts() {
  const { t } = useTranslation()
  const notices = useAppState((state) => state.call.notices)
  return (
    <div className="toasts" role="log" aria-live="polite">
      {toastLines(notices).map(({ key, kind, name, others: count }) => (
        <div key={key} className="toast">
          {count === 0
            ? t(kind === 'joined' ? 'call.joined' : 'call.leftRoom', { name })
            : t(kind === 'joined' ? 'call.manyJoined' : 'call.manyLeft', { name, count })}
        </div>
      ))}
    </div>
  )
}
