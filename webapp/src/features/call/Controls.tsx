import { PhoneOff } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { leaveCall } from '../lobby/stay.ts'
import { MediaToggle } from '../media/MediaToggles.tsx'
import { HandToggle } from '../people/HandToggle.tsx'
import { ReactMenu } from '../reactions/ReactMenu.tsx'
import { ShareToggle } from '../share/ShareToggle.tsx'
import { useHint } from '../voice/useHint.ts'
import { MoreMenu } from './MoreMenu.tsx'

/** What is used all the time has a button; the rest is in the menu. */
export function Controls() {
  const { t } = useTranslation()
  return (
    <div className="controls" role="toolbar" aria-label={t('controls.label')}>
      <MediaToggle kind="audio" />
      <MediaToggle kind="video" />
      <ShareToggle />
      <HandToggle />
      <ReactMenu />
      <MoreMenu />
      <IconButton
        label={t('controls.leave')}
        hint={useHint(t('controls.leave'), 'leave')}
        className="round leave"
        onPress={leaveCall}
      >
        <PhoneOff />
      </IconButton>
    </div>
  )
}
