import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { useTranslation } from 'react-i18next'

type Props = {
  open: boolean
  title: string
  text: string
  /** The name of what is done. */
  action: string
  onConfirm(): void
  onClose(): void
}

/** Asks before something that cannot be undone. */
export function Confirm({ open, title, text, action, onConfirm, onClose }: Props) {
  const { t } = useTranslation()
  return (
    <ModalOverlay
      className="dialog-veil"
      isOpen={open}
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="dialog small">
        <Dialog className="dialog-body confirm" role="alertdialog">
          <Heading slot="title">{title}</Heading>
          <p>{text}</p>
          <div className="confirm-actions">
            <Button className="button" autoFocus onPress={onClose}>
              {t('app.cancel')}
            </Button>
            <Button
              className="button danger"
              onPress={() => {
                onConfirm()
                onClose()
              }}
            >
              {action}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
