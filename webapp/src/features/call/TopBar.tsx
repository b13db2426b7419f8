import { useTranslation } from 'react-i18next'
import { Logo } from '../../ui/Logo.tsx'
import { useAppState } from '../../ui/useAppState.ts'

export function TopBar() {
  const { t } = useTranslation()
  const room = useAppState((state) => state.call.room)
  const count = useAppState((state) => state.call.participants.length + 1)
  return (
    <header className="call-top">
      <Logo />
      <h1>{room}</h1>
      <span className="call-count">{t('call.people', { count })}</span>
    </header>
  )
}
