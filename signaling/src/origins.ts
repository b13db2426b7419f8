import type { IncomingHttpHeaders } from 'node:http'

export type OriginPolicy = { allowed: '*' | readonly string[]; domain?: string }

/**
 * Whether a page of the request's origin may call this server: its own pages, those of the public
 * domain, and those listed. Requests without an origin come from no page of another site.
 */
export function originAllowed(headers: IncomingHttpHeaders, policy: OriginPolicy): boolean {
  const { origin } = headers
  if (origin === undefined || policy.allowed === '*') return true
  if (policy.allowed.includes(origin)) return true
  if (policy.domain !== undefined && origin === `https://${policy.domain}`) return true
  return URL.canParse(origin) && new URL(origin).host === headers.host
}
