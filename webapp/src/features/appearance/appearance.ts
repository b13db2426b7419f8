export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

export const languages = ['en', 'vi'] as const
export type Language = (typeof languages)[number]

/** Each language in its own words. */
export const languageNames: Record<Language, string> = { en: 'English', vi: 'Tiếng Việt' }

/**
 * The first language of a person that the page speaks.
 *
 * @param chosen by hand, if anything sensible
 * @param preferred of the browser, best first, as BCP 47 tags
 */
export function pickLanguage(chosen: string | null, preferred: readonly string[]): Language {
  const known = [chosen ?? '', ...preferred].map((tag) => tag.toLowerCase().split('-')[0])
  return languages.find((language) => language === known.find(isLanguage)) ?? 'en'
}

export function pickTheme(chosen: string | null): Theme {
  return themes.find((theme) => theme === chosen) ?? 'system'
}

const isLanguage = (tag: string | undefined): tag is Language =>
  languages.some((language) => language === tag)
