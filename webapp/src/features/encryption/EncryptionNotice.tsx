import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { wantedLater } from '../../ui/wantedLater.tsx'
import { useCallEncryption } from './useCallEncryption.ts'
import { useNames } from './useNames.ts'

const EncryptionDialog = wantedLater(() => import('./EncryptionDialog.tsx'))

/** Who has no key, or another one, is told so, and what to do: nobody has to guess why a tile is dark. */
export function EncryptionNotice() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const encryption = useCallEncryption()
  const names = useNames('who' in encryption ? encryption.who : [])
  const { kind } = encryption
  return (
    <>
      {(kind === 'missing' || kind === 'differs') && (
        <div className="callout warn" role="alert">
          <KeyRound aria-hidden="true" />
          <div>{t(`encryption.notice.${kind}`, { names })}</div>
          <Button className="button small" onPress={() => setOpen(true)}>
            {t('encryption.enter')}
          </Button>
        </div>
      )}
      {open && <EncryptionDialog onClose={() => setOpen(false)} />}
    </>
  )
}
