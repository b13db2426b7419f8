import { createHmac } from 'node:crypto'
import { formatTurnUsername, type IceServer, type RelayIdentity } from '@parley/protocol'

export type TurnCredential = { username: string; credential: string }

/**
 * Ephemeral TURN credentials of the TURN REST API (draft-uberti-behave-turn-rest-00): the password
 * is base64(HMAC-SHA1(secret, username)), and the username carries the expiry, so the TURN server
 * checks both with nothing but the shared secret.
 *
 * @param nowMs epoch milliseconds
 */
export function mintTurnCredential(
  secret: string,
  identity: RelayIdentity,
  nowMs: number,
  ttlSeconds: number,
): TurnCredential {
  const username = formatTurnUsername(Math.floor(nowMs / 1000) + ttlSeconds, identity)
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') }
}

export function isTurnUrl(url: string): boolean {
  return /^turns?:/i.test(url)
}

/**
 * The ICE servers of a peer connection: TURN with its credential, STUN as it stands. Undefined when
 * no URL is a TURN one, because a list without TURN is never given out (REQ-P1).
 */
export function buildIceServers(
  urls: readonly string[],
  credential: TurnCredential,
): IceServer[] | undefined {
  const turn = urls.filter(isTurnUrl)
  const stun = urls.filter((url) => !isTurnUrl(url))
  if (turn.length === 0) return undefined
  return [{ urls: turn, ...credential }, ...(stun.length > 0 ? [{ urls: stun }] : [])]
}

/** The same servers as STUN, which every TURN server speaks on the same port (RFC 8656): without TLS, each once. */
export function stunOf(urls: readonly string[]): string[] {
  const stun = urls.flatMap((url) => {
    const [, scheme = '', host = ''] = /^(turns?|stuns?):([^?]+)/i.exec(url) ?? []
    return scheme.toLowerCase().endsWith('s') || host === '' ? [] : [`stun:${host}`]
  })
  // A server of TLS alone is asked as it is spoken to.
  const secure = urls.map((url) => url.replace(/^turns?:([^?]+).*$/i, 'stuns:$1'))
  return [...new Set(stun.length > 0 ? stun : secure)]
}
