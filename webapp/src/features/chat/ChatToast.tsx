import { MessageSquare } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { showSide } from '../side/ownSide.ts'

/** The newest message while the chat is closed; makes no sound. */
export function ChatToast() {
  const { t } = useTranslation()
  const toast = useAppState((state) => state.chat.toast)
  return (
    <div className="chat-toasts" role="status">
      {toast && (
        <Button
          key={toast.id}
          className="chat-toast"
          aria-label={t('chat.toast', { name: toast.name, text: toast.text })}
          onPress={() => showSide('chat')}
        >
          <MessageSquare aria-hidden="true" />
          <span>
            <bdi>{toast.name}</bdi>{' '}
            <span className="chat-toast-text" dir="auto">
              {toast.text}
            </span>
          </span>
        </Button>
      )}
    </div>
  )
}
