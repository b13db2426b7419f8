/** First letters of the first and the last word, as people sign a list: "Ana de Souza" → "AS". */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const first = letter(words[0])
  return words.length > 1 ? first + letter(words.at(-1)) : first
}

/** Hues that carry white letters well: none of the yellows and limes. */
const hues = [172, 196, 214, 232, 256, 282, 318, 344, 8, 24] as const

/** A colour for a name, the same on every screen: degrees of hue. */
export function hueOf(name: string): number {
  let hash = 7
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9973
  return hues[hash % hues.length] ?? hues[0]
}

const letter = (word = '') => [...word][0]?.toUpperCase() ?? ''
