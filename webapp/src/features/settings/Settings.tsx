import { Settings as Cog } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { wantedLater } from '../../ui/wantedLater.tsx'

const SettingsDialog = wantedLater(() => import('./SettingsDialog.tsx'))

/** The settings, loaded when they are first wanted. */
export function Settings({ open, onClose }: { open: boolean; onClose: () => void }) {
  if (!open) return null
  return <SettingsDialog onClose={onClose} />
}

export function SettingsButton() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <>
      <IconButton
        label={t('settings.title')}
        className="quiet appearance-button"
        onPress={() => setOpen(true)}
      >
        <Cog />
      </IconButton>
      <Settings open={open} onClose={() => setOpen(false)} />
    </>
  )
}
