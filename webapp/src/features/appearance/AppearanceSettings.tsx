import { Label, Radio, RadioGroup } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import './appearance.css'
import { type Language, languageNames, languages, type Theme, themes } from './appearance.ts'
import { chooseLanguage, chooseTheme } from './ownAppearance.ts'

/** Theme and language: for the settings, and for who has no meeting yet. */
export function AppearanceSettings() {
  const { t } = useTranslation()
  const { theme, language } = useAppState((state) => state.appearance)
  return (
    <div className="appearance">
      <RadioGroup value={theme} onChange={(chosen) => chooseTheme(chosen as Theme)}>
        <Label>{t('appearance.theme')}</Label>
        <div className="segments">
          {themes.map((one) => (
            <Radio key={one} value={one} className="segment">
              {t(`appearance.${one}`)}
            </Radio>
          ))}
        </div>
      </RadioGroup>
      <RadioGroup value={language} onChange={(chosen) => void chooseLanguage(chosen as Language)}>
        <Label>{t('appearance.language')}</Label>
        <div className="segments">
          {languages.map((one) => (
            <Radio key={one} value={one} className="segment" lang={one}>
              {languageNames[one]}
            </Radio>
          ))}
        </div>
      </RadioGroup>
    </div>
  )
}
