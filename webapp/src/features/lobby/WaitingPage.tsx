import { Hourglass } from 'lucide-react'
import { useEffect } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { MediaToggle } from '../media/MediaToggles.tsx'
import { MessagePage } from './EndPages.tsx'
import { leaveCall } from './stay.ts'

/** Before the door: a host has been told, and decides. */
export function WaitingPage() {
  const { t } = useTranslation()
  const room = useAppState((state) => state.call.room)
  const connected = useAppState((state) => state.call.signaling === 'up')
  useEffect(() => {
    document.title = t('waiting.pageTitle', { room })
  }, [t, room])
  return (
    <MessagePage
      icon={Hourglass}
      title={t('waiting.title')}
      text={t(connected ? 'waiting.text' : 'waiting.reconnecting', { room })}
    >
      <div className="waiting-media">
        <MediaToggle kind="audio" />
        <MediaToggle kind="video" />
      </div>
      <Button className="button" onPress={leaveCall}>
        {t('waiting.cancel')}
      </Button>
    </MessagePage>
  )
}
