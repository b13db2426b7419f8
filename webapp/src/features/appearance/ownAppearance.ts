import { changeLanguage } from '../../app/i18n.ts'
import { cell } from '../../state.ts'
import { keep, kept } from '../../ui/kept.ts'
import { type Language, pickLanguage, type Theme } from './appearance.ts'
import { keptTheme, showTheme } from './theme.ts'

const appearance = cell('appearance')

/** From the first paint on: theme and language as chosen earlier, or as the browser says. */
export async function beginAppearance(): Promise<void> {
  applyTheme(keptTheme())
  const language = pickLanguage(kept('parley.language'), navigator.languages)
  await applyLanguage(language)
}

export function chooseTheme(theme: Theme): void {
  keep('parley.theme', theme)
  applyTheme(theme)
}

export async function chooseLanguage(language: Language): Promise<void> {
  keep('parley.language', language)
  await applyLanguage(language)
}

function applyTheme(theme: Theme): void {
  showTheme(theme)
  appearance.set({ theme })
}

async function applyLanguage(language: Language): Promise<void> {
  await changeLanguage(language)
  document.documentElement.lang = language
  appearance.set({ language })
}
