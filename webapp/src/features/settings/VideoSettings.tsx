import { Label, Radio, RadioGroup } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { Video } from '../../ui/Video.tsx'
import { DeviceSelect } from '../media/DeviceSelect.tsx'
import { ownMedia } from '../media/ownMedia.ts'
import { ownPreferences } from './ownPreferences.ts'
import { type QualityChoice, qualityChoices, qualityLevels } from './preferences.ts'

export function VideoSettings() {
  const { t } = useTranslation()
  const track = useAppState((state) => state.local.video.track)
  const quality = useAppState((state) => state.preferences.quality)
  return (
    <div className="settings-fields">
      <section>
        <div className="settings-preview">
          {track ? (
            <Video track={track} mirrored label={t('lobby.preview')} />
          ) : (
            <p>{t('lobby.cameraOff')}</p>
          )}
        </div>
        <DeviceSelect kind="video" />
      </section>
      <section>
        <RadioGroup
          className="choices"
          value={quality}
          onChange={(chosen) => {
            ownPreferences.set({ quality: chosen as QualityChoice })
            void ownMedia.qualityChanged()
          }}
        >
          <Label>{t('settings.video.quality')}</Label>
          {qualityChoices.map((choice) => (
            <Radio key={choice} value={choice} className="choice">
              <span className="choice-dot" aria-hidden="true" />
              <span>
                {t(`settings.video.${choice}`)}
                <small>
                  {choice === 'auto'
                    ? t('settings.video.autoHint')
                    : t('settings.video.limits', qualityLevels[choice])}
                </small>
              </span>
            </Radio>
          ))}
        </RadioGroup>
      </section>
    </div>
  )
}
