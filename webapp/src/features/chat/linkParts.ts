import { LinkifyIt } from 'linkify-it'

/** Text as it is shown: plain, or a link to the web. */
export type TextPart = { text: string; url?: string }

/** Only whole addresses: a file's name is none, and what is no web page is not for a click. */
const linkify = new LinkifyIt({
  fuzzyLink: false,
  fuzzyEmail: false,
  fuzzyIP: false,
  maxLength: 2000,
})
for (const schema of ['ftp:', 'mailto:', '//']) linkify.add(schema, null)

/** Written from right to left an address can look like another one. */
const overrides = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/

/** Cuts a text into parts, which put together are the text again. The url of a link is http: or https:. */
export function linkParts(text: string): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  const plainUntil = (index: number) => {
    if (index > end) parts.push({ text: text.slice(end, index) })
  }
  for (const { index, lastIndex, raw } of linkify.match(text) ?? []) {
    const url = webAddress(raw)
    if (url === undefined) continue
    plainUntil(index)
    parts.push({ text: raw, url })
    end = lastIndex
  }
  plainUntil(text.length)
  return parts
}

function webAddress(raw: string): string | undefined {
  if (overrides.test(raw)) return undefined
  try {
    const { protocol, href } = new URL(raw)
    return protocol === 'http:' || protocol === 'https:' ? href : undefined
  } catch {
    return undefined // no address; URL.canParse would say so, but not in browsers of 2023
  }
}
