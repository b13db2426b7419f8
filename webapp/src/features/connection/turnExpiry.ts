import { type IceServer, parseTurnUsername } from '@parley/protocol'

/**
 * When to ask for new TURN credentials: after 80 % of the time that these have left.
 *
 * @param epochMs now, milliseconds since 1970
 * @returns milliseconds to wait; undefined where no server carries an expiring username
 */
export function turnRefreshDelayMs(iceServers: IceServer[], epochMs: number): number | undefined {
  const expiries = iceServers
    .map(({ username }) => username && parseTurnUsername(username)?.expiryEpochSeconds)
    .filter((seconds): seconds is number => typeof seconds === 'number')
  if (expiries.length === 0) return undefined
  const leftMs = Math.min(...expiries) * 1000 - epochMs
  // Credentials that are already over (or a clock that is wrong) must not make a busy loop.
  return Math.max(5000, leftMs * 0.8)
}
