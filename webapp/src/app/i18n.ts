import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type enAdmin from '../locales/en.admin.json'
import type enCall from '../locales/en.call.json'
import en from '../locales/en.json' with { type: 'json' }

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof enCall & typeof enAdmin }
  }
}

/**
 * English is bundled, but for what only a call, or the admin page, shows (callTexts.ts, adminTexts.ts). What is missing in another catalogue is
 * there in English.
 */
void i18next.use(initReactI18next).init({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: en } },
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
})

/** Loads the catalogue of a language where need be. Where that fails, the page stays as it is. */
export async function changeLanguage(language: 'en' | 'vi'): Promise<void> {
  // The admin page brings its own texts of both languages.
  if (language === 'vi' && i18next.getResource('vi', 'translation', 'app') === undefined) {
    const parts = [import('../locales/vi.json'), import('../locales/vi.call.json')]
    const loaded = await Promise.all(parts).catch(() => undefined)
    if (!loaded) return
    for (const part of loaded) i18next.addResourceBundle('vi', 'translation', part.default, true)
  }
  await i18next.changeLanguage(language)
}
