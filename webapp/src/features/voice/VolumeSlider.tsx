import { useId } from 'react'
import { Slider, SliderThumb, SliderTrack } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { ownPreferences } from '../settings/ownPreferences.ts'
import { volumeMax, volumeOf, withVolume } from './Volumes.ts'
import './slider.css'

/** How loud one participant is heard here, 0 to 200 %; nobody else is touched (REQ-P16, P17). */
export function VolumeSlider({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation()
  const hint = useId()
  const volume = useAppState((state) => volumeOf(state.preferences.volumes, id))
  return (
    <div className="volume">
      <Slider
        className="slider"
        aria-label={t('voice.volumeOf', { name })}
        {...(volume > 100 && { 'aria-describedby': hint })}
        value={volume}
        minValue={0}
        maxValue={volumeMax}
        step={5}
        onChange={(percent) => {
          const { volumes } = ownPreferences.get()
          ownPreferences.set({ volumes: [...withVolume(volumes, id, percent)] })
        }}
      >
        <SliderTrack className="slider-track" style={{ '--at': volume / volumeMax } as never}>
          <SliderThumb className="slider-thumb" />
        </SliderTrack>
        <output className="slider-value">{t('voice.percent', { percent: volume })}</output>
      </Slider>
      {volume > 100 && (
        <p className="field-hint" id={hint}>
          {t('voice.loudHint')}
        </p>
      )}
    </div>
  )
}
