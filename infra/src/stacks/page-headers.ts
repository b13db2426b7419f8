import { readFileSync } from 'node:fs'

/** The headers with which the web page's own server sends it; CloudFront sends the same. */
export function pageHeaders(): Record<string, string> {
  const file = new URL('../../../images/webapp/headers.conf', import.meta.url)
  const lines = readFileSync(file, 'utf8').matchAll(/^add_header (\S+) "(.*)" always;$/gm)
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]))
}
