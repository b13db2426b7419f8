import { z } from 'zod'

/** RFC 7064 and RFC 7065: scheme, host (IPv6 in brackets), port, and for TURN its transport. */
const iceUrl =
  /^(?:turns?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?|stuns?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?)$/

const endpointsSchema = z.object({
  urls: z.array(z.string().regex(iceUrl, 'must be a turn:, turns:, stun: or stuns: URL')),
})

/**
 * Reads the endpoints file, `{ "urls": ["turn:192.0.2.1:3478?transport=udp"] }`. An empty list is
 * what an operator writes while no TURN server is up.
 *
 * @throws with the place and the fix when the file is not of that form
 */
export function parseTurnEndpoints(text: string): string[] {
  const parsed = endpointsSchema.safeParse(JSON.parse(text))
  if (!parsed.success)
    throw new Error(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    )
  return parsed.data.urls
}
