import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { DeviceSelect } from '../media/DeviceSelect.tsx'
import { ownMedia } from '../media/ownMedia.ts'
import { ownPreferences } from './ownPreferences.ts'
import { SpeakerChoice } from './SpeakerChoice.tsx'
import { ThresholdSlider } from './ThresholdSlider.tsx'
import { Toggle } from './Toggle.tsx'

const processing = ['noiseSuppression', 'echoCancellation', 'autoGainControl'] as const

export function AudioSettings() {
  const { t } = useTranslation()
  const preferences = useAppState((state) => state.preferences)
  const key = preferences.shortcuts.talk
  return (
    <div className="settings-fields">
      <section>
        <DeviceSelect kind="audio" />
        <ThresholdSlider />
        {processing.map((name) => (
          <Toggle
            key={name}
            label={t(`settings.audio.${name}`)}
            value={preferences[name]}
            onChange={(on) => {
              ownPreferences.set({ [name]: on })
              void ownMedia.processingChanged()
            }}
          />
        ))}
        <Toggle
          label={t('settings.audio.pushToTalk')}
          hint={key ? t('settings.audio.pushToTalkHint', { key }) : t('settings.audio.noTalkKey')}
          value={preferences.pushToTalk}
          onChange={(on) => {
            ownPreferences.set({ pushToTalk: on })
            if (on) void ownMedia.set('audio', false)
          }}
        />
      </section>
      <section>
        <SpeakerChoice />
        <Toggle
          label={t('settings.audio.joinSounds')}
          value={preferences.joinSounds}
          onChange={(joinSounds) => ownPreferences.set({ joinSounds })}
        />
      </section>
    </div>
  )
}
