import { useTranslation } from 'react-i18next'
import { DialogFrame } from '../../ui/DialogFrame.tsx'
import { AppearanceSettings } from './AppearanceSettings.tsx'

export default function AppearanceDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <DialogFrame
      title={t('appearance.title')}
      close={t('appearance.close')}
      className="small"
      onClose={onClose}
    >
      <AppearanceSettings />
    </DialogFrame>
  )
}
