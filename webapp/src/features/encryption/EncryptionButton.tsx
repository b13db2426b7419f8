import { LockKeyhole, LockKeyholeOpen, ShieldAlert } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { wantedLater } from '../../ui/wantedLater.tsx'
import './encryption.css'
import { useCallEncryption } from './useCallEncryption.ts'

const EncryptionDialog = wantedLater(() => import('./EncryptionDialog.tsx'))

const icons = {
  direct: LockKeyhole,
  key: LockKeyhole,
  none: LockKeyholeOpen,
  partly: ShieldAlert,
  missing: ShieldAlert,
  differs: ShieldAlert,
} as const

/** In the top bar, for everybody to see: whether the call is encrypted from end to end. */
export function EncryptionButton() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const { kind } = useCallEncryption()
  const Icon = icons[kind]
  const state = t(`encryption.short.${kind}`)
  return (
    <>
      <IconButton
        label={t('encryption.button', { state })}
        className={`bar-button encryption-button ${kind}`}
        onPress={() => setOpen(true)}
      >
        <Icon />
      </IconButton>
      <span className="visually-hidden" role="status">
        {state}
      </span>
      {open && <EncryptionDialog onClose={() => setOpen(false)} />}
    </>
  )
}
