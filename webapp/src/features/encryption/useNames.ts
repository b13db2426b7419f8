import { useTranslation } from 'react-i18next'

/** Names as one says them: “Ana, Kofi, and Minh”. */
export function useNames(names: readonly string[]): string {
  const { i18n } = useTranslation()
  return new Intl.ListFormat(i18n.language).format(names)
}
