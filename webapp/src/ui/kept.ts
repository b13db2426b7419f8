/** A choice kept for this site, as text; null where there is none, or the browser keeps nothing. */
export function kept(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** Where the browser keeps nothing for this site, it holds for as long as the page does. */
export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Full, or not allowed.
  }
}
