import { Logo } from '../../ui/Logo.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { EncryptionButton } from '../encryption/EncryptionButton.tsx'
import { Bandwidth } from '../metrics/Bandwidth.tsx'
import { RecordingChip } from '../recording/RecordingChip.tsx'
import { SideButtons } from '../side/SideButtons.tsx'

export function TopBar() {
  const room = useAppState((state) => state.call.room)
  return (
    <header className="call-top">
      <Logo />
      <h1>{room}</h1>
      <Bandwidth />
      <RecordingChip />
      <EncryptionButton />
      <SideButtons />
    </header>
  )
}
