/** First letters of the first and the last word, as people sign a list: "Ana de Souza" → "AS". */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const first = letter(words[0])
  return words.length > 1 ? first + letter(words.at(-1)) : first
}

/** A colour for a name, the same on every screen: degrees of hue. */
export function hueOf(name: string): number {
  let hash = 0
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9973
  return (hash * 47) % 360
}

const letter = (word = '') => [...word][0]?.toUpperCase() ?? ''
