import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import type { ShortcutAction } from './shortcutBindings.ts'

/** @returns a button's name with the key that does the same, where there is one */
export function useHint(action: string, shortcut: ShortcutAction): string {
  const { t } = useTranslation()
  const key = useAppState((state) => state.preferences.shortcuts[shortcut])
  return key ? t('controls.withKey', { action, key }) : action
}
