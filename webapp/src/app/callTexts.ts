import i18next from 'i18next'
import './i18n.ts'
import en from '../locales/en.call.json' with { type: 'json' }

// To be loaded with what shows them: nobody waits for these texts before joining.
i18next.addResourceBundle('en', 'translation', en, true)
