/** A period that there is to be a RelayCostReport of. */
export interface Period {
  /** What its name ends with. */
  suffix: string
  /** Epoch ms; `to` is not part of it. */
  from: number
  to: number
  /** A report that was made before this instant is out of date. */
  dueAt: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** What was relayed at the end of a period is known to the meter, and worked out, a while after it. */
export const SETTLE_MS = 6 * 60_000
export const INTERVALS_KEPT = 24
export const DAYS_KEPT = 31

/**
 * The periods of which there are to be reports, the newest first: the last intervals and days that are over, and
 * the present day as of the last interval. Intervals are whole hours, because the meter knows traffic by the hour.
 * @param since epoch ms: what was over before is of no interest
 * @param intervalSeconds `cost.reportInterval`
 */
export function periodsAt(now: number, since: number, intervalSeconds: number): Period[] {
  const interval = Math.max(1, Math.ceil(intervalSeconds / 3600)) * HOUR_MS
  const over = now - SETTLE_MS
  const intervals = interval >= DAY_MS ? [] : lastOnes(over, interval, INTERVALS_KEPT)
  const days = lastOnes(over, DAY_MS, DAYS_KEPT)
  const today = presentDay(over, Math.min(interval, DAY_MS))
  return [...(today ? [today] : []), ...intervals, ...days]
    .filter(({ to }) => to > since)
    .sort((a, b) => b.to - a.to || b.from - a.from)
}

function lastOnes(over: number, length: number, count: number): Period[] {
  const end = over - (over % length)
  return Array.from({ length: count }, (_, index) => {
    const to = end - index * length
    return period(to - length, to, to + SETTLE_MS)
  })
}

/** Undefined while nothing of it is over. */
function presentDay(over: number, interval: number): Period | undefined {
  const from = over - (over % DAY_MS)
  const known = over - (over % interval)
  return known > from ? period(from, from + DAY_MS, known + SETTLE_MS) : undefined
}

function period(from: number, to: number, dueAt: number): Period {
  const [day, hour] = new Date(from).toISOString().replaceAll('-', '').split(/[T:]/)
  const length = to - from
  const suffix = length === DAY_MS ? `${day}-1d` : `${day}t${hour}-${length / HOUR_MS}h`
  return { suffix, from, to, dueAt }
}
