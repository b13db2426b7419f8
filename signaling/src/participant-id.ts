import { randomInt } from 'node:crypto'

const letters = '0123456789abcdefghijklmnopqrstuvwxyz'
const length = { time: 5, random: 7 } as const

/**
 * A pseudonym; names are in the token and on screens, not in usernames and reports. Of two, the one that was made in an
 * earlier second is the smaller text: of two pages, that one offers the connection, so the one that only just opens
 * has less to do (the order begins anew every two years, which does no harm).
 *
 * @param nowMs since 1970
 */
export function newParticipantId(nowMs: number): string {
  const second = Math.floor(nowMs / 1000) % letters.length ** length.time
  const time = second.toString(letters.length).padStart(length.time, '0')
  const random = Array.from({ length: length.random }, () => letters[randomInt(letters.length)])
  return `p-${time}${random.join('')}`
}
