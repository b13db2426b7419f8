import { kept } from '../../ui/kept.ts'
import { pickTheme, type Theme } from './appearance.ts'

/** As chosen earlier, or as the browser says. */
export const keptTheme = (): Theme => pickTheme(kept('parley.theme'))

export function showTheme(theme = keptTheme()): void {
  document.documentElement.dataset.theme = theme
}
