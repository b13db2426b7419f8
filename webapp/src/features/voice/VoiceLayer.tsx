import { MicOff, VolumeX } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { toggleMedia } from '../media/toggleMedia.ts'
import { followVoices } from './ownVoice.ts'
import { Sound } from './Sound.tsx'
import './voice.css'

/** What the others say, who speaks, and what one should know of one's own voice. */
export function VoiceLayer() {
  useEffect(() => followVoices(), [])
  return (
    <>
      <Sounds />
      <MutedSpeechHint />
    </>
  )
}

/** What the others say; and, where the browser holds that back, a way to hear it. */
function Sounds() {
  const { t } = useTranslation()
  const participants = useAppState((state) => state.call.participants)
  const [blocked, setBlocked] = useState(0)
  const [tries, setTries] = useState(0)
  const onBlocked = useCallback(() => setBlocked(tries + 1), [tries])
  return (
    <>
      {participants.map(
        ({ id, audio }) =>
          audio && (
            <Sound key={`${id}-${tries}`} participant={id} track={audio} onBlocked={onBlocked} />
          ),
      )}
      {participants.map(
        ({ id, media, screenAudio }) =>
          media.screen &&
          screenAudio && (
            <Sound
              key={`${id}-screen-${tries}`}
              participant={id}
              track={screenAudio}
              onBlocked={onBlocked}
            />
          ),
      )}
      {blocked > tries && (
        <div className="callout warn" role="alert">
          <VolumeX aria-hidden="true" />
          <div>{t('call.soundBlocked')}</div>
          <Button className="button small" onPress={() => setTries(tries + 1)}>
            {t('call.soundOn')}
          </Button>
        </div>
      )}
    </>
  )
}

function MutedSpeechHint() {
  const { t } = useTranslation()
  const shown = useAppState((state) => state.voice.mutedSpeech)
  const key = useAppState((state) => state.preferences.shortcuts.talk)
  if (!shown) return null
  return (
    <div className="callout warn">
      <MicOff aria-hidden="true" />
      <div>{key ? t('voice.mutedSpeechKey', { key }) : t('voice.mutedSpeech')}</div>
      <Button className="button small" onPress={() => void toggleMedia('audio')}>
        {t('controls.unmute')}
      </Button>
    </div>
  )
}
