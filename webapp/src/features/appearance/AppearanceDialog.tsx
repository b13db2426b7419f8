import { X } from 'lucide-react'
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { AppearanceSettings } from './AppearanceSettings.tsx'

export default function AppearanceDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <ModalOverlay
      className="dialog-veil"
      isOpen
      isDismissable
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="dialog small">
        <Dialog className="dialog-body">
          <div className="dialog-head">
            <Heading slot="title">{t('appearance.title')}</Heading>
            <IconButton label={t('appearance.close')} className="quiet" onPress={onClose}>
              <X />
            </IconButton>
          </div>
          <AppearanceSettings />
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
