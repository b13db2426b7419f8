/** Durations as in Go and Kubernetes: `90s`, `1h30m`, `250ms`. */
export const DURATION_PATTERN = /^([0-9]+(ms|s|m|h))+$/

const secondsPerUnit: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/** Seconds in a duration of the form of {@link DURATION_PATTERN}; throws a RangeError on others. */
export function durationSeconds(duration: string): number {
  if (!DURATION_PATTERN.test(duration)) {
    throw new RangeError(`"${duration}" is not a duration: write it like 90s, 15m or 1h30m`)
  }
  let seconds = 0
  for (const [, amount, unit] of duration.matchAll(/([0-9]+)(ms|s|m|h)/g)) {
    seconds += Number(amount) * (secondsPerUnit[unit as string] as number)
  }
  return seconds
}
