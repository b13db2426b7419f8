import { useRef } from 'react'
import { Label, Slider, SliderThumb, SliderTrack } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import '../voice/slider.css'
import { useLevel } from '../voice/useLevel.ts'
import { ownPreferences } from './ownPreferences.ts'
import { thresholdRangeDb } from './preferences.ts'

const { min, max } = thresholdRangeDb
const place = (levelDb: number) => Math.min(1, Math.max(0, (levelDb - min) / (max - min)))

/** From how loud on the microphone counts as voice (REQ-P10), over how loud it is now. */
export function ThresholdSlider() {
  const { t } = useTranslation()
  const thresholdDb = useAppState((state) => state.preferences.thresholdDb)
  const track = useAppState((state) => state.local.audio.track)
  const level = useRef<HTMLDivElement>(null)
  useLevel(level, track, place)
  return (
    <div>
      <Slider
        className="slider threshold"
        value={thresholdDb}
        minValue={min}
        maxValue={max}
        onChange={(value) => ownPreferences.set({ thresholdDb: value })}
      >
        <Label>{t('settings.audio.threshold')}</Label>
        <SliderTrack className="slider-track" style={{ '--at': place(thresholdDb) } as never}>
          <div ref={level} className="threshold-level" aria-hidden="true" />
          <SliderThumb className="slider-thumb" />
        </SliderTrack>
        <output className="slider-value">
          {t('settings.audio.decibels', { db: thresholdDb })}
        </output>
      </Slider>
      <p className="field-hint">
        {t(track ? 'settings.audio.thresholdHint' : 'settings.audio.noMicrophone')}
      </p>
    </div>
  )
}
