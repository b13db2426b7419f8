import { startTransition, useEffect, useState } from 'react'
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
import { ShareAnnouncer } from '../share/ShareAnnouncer.tsx'
import { ShareNotice } from '../share/ShareNotice.tsx'
import { SidePanel } from '../side/SidePanel.tsx'
import { VoiceLayer } from '../voice/VoiceLayer.tsx'
import { ConnectionNotices } from './ConnectionNotices.tsx'
import './call.css'
import { Controls } from './Controls.tsx'
import { ConnectionNotice, RelayBanner } from './Notices.tsx'
import { TopBar } from './TopBar.tsx'

export default function CallPage() {
  const { t } = useTranslation()
  const room = useAppState((state) => state.call.room)
  useEffect(() => {
    document.title = t('call.title', { room })
  }, [t, room])
  const whole = useWhole()
  useEffect(() => {
    // What had the focus before is gone: the keyboard goes on from here, and screen readers say where they are.
    if (whole && document.activeElement === document.body)
      document.querySelector<HTMLElement>('.stage')?.focus({ preventScroll: true })
  }, [whole])
  return (
    <div className="call">
      {whole ? <TopBar /> : <div className="call-top" />}
      {/* Screen readers say what comes into a region that they know already. */}
      <div className="call-notices" aria-live="polite">
        {whole && (
          <>
            <ConnectionNotice />
            <ConnectionNotices />
            <RelayBanner />
            <RecordingNotices />
            <EncryptionNotice />
            <MediaHelp />
            <ShareNotice />
            <VoiceLayer />
            <CompanyNotices />
          </>
        )}
      </div>
      <Stage />
      {whole ? (
        <>
          <CaptionsLane />
          <Controls />
          <Floats />
          <ChatToast />
          <SidePanel />
          <ShareAnnouncer />
          <Miniature />
        </>
      ) : (
        <div className="controls" />
      )}
    </div>
  )
}

/** First come the others' pictures; what is around them is drawn bit by bit, between what they need. */
function useWhole(): boolean {
  const [whole, setWhole] = useState(false)
  useEffect(() => startTransition(() => setWhole(true)), [])
  return whole
}
