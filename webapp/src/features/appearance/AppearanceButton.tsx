import { Languages } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { wantedLater } from '../../ui/wantedLater.tsx'

const AppearanceDialog = wantedLater(() => import('./AppearanceDialog.tsx'))

export function AppearanceButton() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <>
      <IconButton
        label={t('appearance.title')}
        className="quiet appearance-button"
        onPress={() => setOpen(true)}
      >
        <Languages />
      </IconButton>
      {open && <AppearanceDialog onClose={() => setOpen(false)} />}
    </>
  )
}
