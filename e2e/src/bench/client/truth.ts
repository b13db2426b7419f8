/** What was true of a call in the seconds that a report speaks of. */
import type { Account, Carried } from './wire.ts'

/** As a page sees it; `held` is its share of the round trip that the line made. */
export interface Truth {
  upKbps: number
  downKbps: number
  rttMs: number
  /** Of what was sent to this page. */
  lossPercent: number
}

/**
 * @param accounts in the order of time
 * @param side `space`: the page behind the line; `bridge`: the other
 * @param from @param to ms since 1970
 * @returns undefined where the accounts do not reach over all of it
 */
export function truthOf(
  accounts: readonly Account[],
  side: 'space' | 'bridge',
  from: number,
  to: number,
): Truth | undefined {
  const first = accounts.findLast(({ atMs }) => atMs <= from)
  const last = accounts.find(({ atMs }) => atMs >= to)
  if (!first || !last) return undefined
  const up = between(first.up, last.up)
  const down = between(first.down, last.down)
  const [sent, received] = side === 'space' ? [up, down] : [down, up]
  const seconds = (last.atMs - first.atMs) / 1000
  const kbps = (bytes: number) => (bytes * 8) / 1000 / seconds
  return {
    upKbps: kbps(sent.bytes),
    downKbps: kbps(received.bytes - received.lostBytes),
    rttMs: up.heldMs / up.held + down.heldMs / down.held,
    lossPercent: received.rtp === 0 ? 0 : (received.lost / received.rtp) * 100,
  }
}

function between(before: Carried, now: Carried): Carried {
  const grown = (field: keyof Carried) => now[field] - before[field]
  return {
    bytes: grown('bytes'),
    lostBytes: grown('lostBytes'),
    rtp: grown('rtp'),
    lost: grown('lost'),
    heldMs: grown('heldMs'),
    held: grown('held'),
  }
}
