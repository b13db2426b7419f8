import { Volume2 } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { DeviceSelect } from '../media/DeviceSelect.tsx'
import { canChooseSpeaker } from '../media/speaker.ts'
import { playMelody } from '../voice/tones.ts'
import './speaker.css'

/** Where sound comes out, and a way to hear it. */
export function SpeakerChoice() {
  const { t } = useTranslation()
  return (
    <div className="speaker-choice">
      {canChooseSpeaker && <DeviceSelect kind="speaker" />}
      <Button className="button" onPress={() => playMelody('test')}>
        <Volume2 aria-hidden="true" />
        {t('lobby.testSpeaker')}
      </Button>
    </div>
  )
}
