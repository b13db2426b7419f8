const textMax = 300

/**
 * The text of a fault without tokens, keys, addresses and people.
 *
 * @param known names and rooms of this page, which are taken out wherever they stand
 */
export function scrub(text: string, known: readonly string[] = []): string {
  let scrubbed = text.slice(0, 10 * textMax)
  // The longest first: a name may be a part of another one.
  for (const one of [...known].sort((a, b) => b.length - a.length))
    if (one.trim() !== '') scrubbed = scrubbed.replaceAll(one, '[known]')
  return scrubbed
    .replace(/[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, '[token]')
    .replace(/#\S*/g, '#[fragment]')
    .replace(/\/r\/[^/?#\s]+/g, '/r/[room]')
    .replace(/\?\S*/g, '?[search]')
    .replace(/[^\s@"']+@[^\s@"']+\.[a-z]{2,}/gi, '[mail]')
    .replace(/\b\d{1,3}(\.\d{1,3}){3}\b/g, '[address]')
    .replace(/(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])/gi, '[address]')
    .replace(/"[^"]*"/g, '"…"')
    .replace(/'[^']*'/g, "'…'")
    .replace(/\b[A-Za-z0-9+/_-]{22,}={0,2}/g, '[secret]')
    .slice(0, textMax)
}
