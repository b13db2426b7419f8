/** What a span of time cost, epoch ms. */
export type Pace = { from: number; to: number; cost: number }

/**
 * What a month is going to cost at its end: what it has cost, and for the rest of it the pace of the
 * last days, the later ones weighted more (1 for the first, n for the last of n). Without any days it is
 * what it has cost. At the month's end it is exactly that; more cost never makes it less.
 *
 * @param monthToDate money
 * @param remainingMs until the month ends; less than 0 counts as 0
 * @param days in order of time, the oldest first; docs/guides/cost-reports.md says which
 */
export function forecastMonthEnd(
  monthToDate: number,
  remainingMs: number,
  days: readonly Pace[],
): number {
  let [cost, milliseconds] = [0, 0]
  for (const [index, day] of days.entries()) {
    cost += (index + 1) * day.cost
    milliseconds += (index + 1) * Math.max(0, day.to - day.from)
  }
  if (milliseconds === 0) return monthToDate
  return monthToDate + (cost / milliseconds) * Math.max(0, remainingMs)
}
