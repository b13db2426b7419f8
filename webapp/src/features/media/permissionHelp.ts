/** Browsers ask for permission in different places. */
export type BrowserKind = 'chromium' | 'firefox' | 'safari' | 'other'

/** @returns whose settings a person has to open, by the browser's own word */
export function browserKind(userAgent: string): BrowserKind {
  if (/Firefox\/|FxiOS\//.test(userAgent)) return 'firefox'
  if (/Chrom(e|ium)\/|CriOS\//.test(userAgent)) return 'chromium'
  return /Safari\//.test(userAgent) ? 'safari' : 'other'
}
