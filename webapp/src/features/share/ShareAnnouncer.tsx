import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'

/** Who shares, for who does not see it. */
export function ShareAnnouncer() {
  const { t, i18n } = useTranslation()
  const shares = useAppState((state) => state.layout.shares)
  const participants = useAppState((state) => state.call.participants)
  const names = shares.map((id) => participants.find((one) => one.id === id)?.name ?? t('call.you'))
  const who = new Intl.ListFormat(i18n.language).format(names)
  return (
    <span className="visually-hidden" role="status">
      {names.length > 0 && t('share.announced', { names: who })}
    </span>
  )
}
