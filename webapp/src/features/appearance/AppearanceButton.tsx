import { Languages } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'

const AppearanceDialog = lazy(() => import('./AppearanceDialog.tsx'))

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
      {open && (
        <Suspense>
          <AppearanceDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
