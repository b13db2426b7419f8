import { Hand } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { ownCompany } from '../side/ownSide.ts'

export function useOwnHand(): boolean {
  return useAppState(({ call, company }) => company.hands[call.selfId] !== undefined)
}

export function HandToggle() {
  const { t } = useTranslation()
  const up = useOwnHand()
  return (
    <IconButton
      label={t(up ? 'people.ownDown' : 'people.ownUp')}
      className={up ? 'round hand-toggle on' : 'round hand-toggle'}
      onPress={() => void ownCompany.toggleHand()}
    >
      <Hand />
    </IconButton>
  )
}
