import { TriangleAlert, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cell } from '../../state.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'

/** Why a share did not start. Who closed the browser's dialog knows that, and is told nothing. */
export function ShareNotice() {
  const { t } = useTranslation()
  const failed = useAppState((state) => state.share.problem === 'failed')
  if (!failed) return null
  return (
    <div className="callout warn" role="alert">
      <TriangleAlert aria-hidden="true" />
      <div>{t('share.failed')}</div>
      <IconButton
        label={t('relay.hide')}
        className="quiet"
        onPress={() => cell('share').set({ problem: null })}
      >
        <X />
      </IconButton>
    </div>
  )
}
