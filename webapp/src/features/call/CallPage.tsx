import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import '../../app/callTexts.ts'
import { useAppState } from '../../ui/useAppState.ts'
import { CaptionsLane } from '../captions/CaptionsLane.tsx'
import { ChatToast } from '../chat/ChatToast.tsx'
import { EncryptionNotice } from '../encryption/EncryptionNotice.tsx'
import '../health/ownHealth.ts'
import '../layout/ownLayout.ts'
import { Stage } from '../layout/Stage.tsx'
import { MediaHelp } from '../media/MediaHelp.tsx'
import { Miniature } from '../miniature/Miniature.tsx'
import { CompanyNotices } from '../people/CompanyNotices.tsx'
import { Floats } from '../reactions/Floats.tsx'
import { RecordingNotices } from '../recording/RecordingNotices.tsx'
import { ownShare } from '../share/ownShare.ts'
import { ShareAnnouncer } from '../share/ShareAnnouncer.tsx'
import { ShareNotice } from '../share/ShareNotice.tsx'
import { SidePanel } from '../side/SidePanel.tsx'
import { useShortcuts } from '../voice/useShortcuts.ts'
import { VoiceLayer } from '../voice/VoiceLayer.tsx'
import { ConnectionNotices } from './ConnectionNotices.tsx'
import './call.css'
import { Controls } from './Controls.tsx'
import { ConnectionNotice, RelayBanner } from './Notices.tsx'
import { TopBar } from './TopBar.tsx'

const toggleShare = () => void ownShare.toggle()

export default function CallPage() {
  const { t } = useTranslation()
  const room = useAppState((state) => state.call.room)
  useShortcuts(toggleShare)
  useEffect(() => {
    document.title = t('call.title', { room })
  }, [t, room])
  useEffect(() => {
    // What had the focus before is gone: the keyboard goes on from here, and screen readers say where they are.
    if (document.activeElement === document.body)
      document.querySelector<HTMLElement>('.stage')?.focus({ preventScroll: true })
  }, [])
  return (
    <div className="call">
      <TopBar />
      {/* Screen readers say what comes into a region that they know already. */}
      <div className="call-notices" aria-live="polite">
        <ConnectionNotice />
        <ConnectionNotices />
        <RelayBanner />
        <RecordingNotices />
        <EncryptionNotice />
        <MediaHelp />
        <ShareNotice />
        <VoiceLayer />
        <CompanyNotices />
      </div>
      <Stage />
      <CaptionsLane />
      <Controls />
      <Floats />
      <ChatToast />
      <SidePanel />
      <ShareAnnouncer />
      <Miniature />
    </div>
  )
}
