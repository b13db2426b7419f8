import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './IconButton.tsx'

type Props = {
  title: string
  /** The name of the button that closes it. */
  close: string
  /** Of the window: `small`, or a name of its own. */
  className: string
  onClose(): void
  children: ReactNode
}

/** A window over the page, with its title and what closes it. */
export function DialogFrame({ title, close, className, onClose, children }: Props) {
  return (
    <ModalOverlay
      className="dialog-veil"
      isOpen
      isDismissable
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className={`dialog ${className}`}>
        <Dialog className="dialog-body">
          <div className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <IconButton label={close} className="quiet" onPress={onClose}>
              <X />
            </IconButton>
          </div>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
