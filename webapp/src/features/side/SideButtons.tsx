import { MessageSquare, Users } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { toggleSide } from './ownSide.ts'
import './side.css'

/** At the end of the top bar: who is here, and what was written. */
export function SideButtons() {
  const { t } = useTranslation()
  const tab = useAppState((state) => state.side.tab)
  const unread = useAppState((state) => state.chat.unread)
  const count = useAppState((state) => state.call.participants.length + 1)
  const waiting = useAppState((state) => state.company.lobby.length)
  const chat = unread > 0 ? t('side.unread', { count: unread }) : t('side.chat')
  return (
    <div className="side-buttons">
      <Button
        className="people-button"
        aria-label={
          waiting > 0
            ? `${t('call.people', { count })}, ${t('people.waiting', { count: waiting })}`
            : t('call.people', { count })
        }
        aria-expanded={tab === 'people'}
        onPress={() => toggleSide('people')}
      >
        <Users aria-hidden="true" />
        <span className="call-count" aria-hidden="true">
          {count}
        </span>
        {waiting > 0 && (
          // Not as a text of its own: "2 1" would have to be in the button's name.
          <span className="count-badge" aria-hidden="true" data-count={waiting} />
        )}
      </Button>
      <IconButton
        label={chat}
        className={tab === 'chat' ? 'bar-button on' : 'bar-button'}
        aria-expanded={tab === 'chat'}
        onPress={() => toggleSide('chat')}
      >
        <MessageSquare />
        {unread > 0 && (
          <span className="count-badge" aria-hidden="true">
            {unread > 99 ? '99+' : unread}
          </span>
        )}
      </IconButton>
    </div>
  )
}
