/**
 * How long things took, as counts in fixed buckets: whose sums over replicas, hours and days are exact, and
 * whose percentiles are within {@link latencyError} of the true one.
 *
 * Bucket 0 is everything up to 1 µs, bucket i everything above `growth^(i-1)` and up to `growth^i` µs. The
 * value that stands for a bucket is the one whose relative distance to both of its ends is the same (DDSketch,
 * Masson, Rim, Lee 2019).
 */
export type LatencyHistogram = Map<number, number>

const growth = 1.04
/** What a percentile is off by at most, as a part of the true one. */
export const latencyError = (growth - 1) / (growth + 1)
/** Of an hour. What takes longer is counted there. */
export const lastBucket = Math.ceil(Math.log(3600e6) / Math.log(growth))
const perLog = 1 / Math.log(growth)

/** The bucket of a time in µs; what is no time (NaN, negative) is in bucket 0. */
export function latencyBucket(micros: number): number {
  if (!(micros > 1)) return 0
  return Math.min(lastBucket, Math.ceil(Math.log(micros) * perLog))
}

/** µs that stand for a bucket. */
export function latencyOf(bucket: number): number {
  return bucket === 0 ? 1 : (2 * growth ** bucket) / (growth + 1)
}

export function addLatency(histogram: LatencyHistogram, bucket: number, count = 1): void {
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + count)
}

export function mergeLatencies(into: LatencyHistogram, from: LatencyHistogram): void {
  for (const [bucket, count] of from) addLatency(into, bucket, count)
}

/**
 * Milliseconds that the part of all took at most, by nearest rank; undefined where nothing was counted.
 * @param part above 0, up to 1
 */
export function latencyPercentileMs(histogram: LatencyHistogram, part: number): number | undefined {
  const buckets = [...histogram].sort(([a], [b]) => a - b)
  const total = buckets.reduce((sum, [, count]) => sum + count, 0)
  let left = Math.max(1, Math.ceil(total * part))
  for (const [bucket, count] of buckets) {
    left -= count
    if (left <= 0) return latencyOf(bucket) / 1000
  }
  return undefined
}

/** As `12:3 40:1`, buckets in order: what is stored and sent. */
export function encodeLatencies(histogram: LatencyHistogram): string {
  return [...histogram]
    .sort(([a], [b]) => a - b)
    .map(([bucket, count]) => `${bucket}:${count}`)
    .join(' ')
}

/** @throws {TypeError} where it is none that {@link encodeLatencies} wrote */
export function decodeLatencies(text: string): LatencyHistogram {
  const histogram: LatencyHistogram = new Map()
  for (const pair of text.split(' ').filter(Boolean)) {
    const [, bucket, count] = /^(\d{1,3}):([1-9]\d{0,15})$/.exec(pair) ?? []
    if (bucket === undefined || Number(bucket) > lastBucket)
      throw new TypeError(`"${pair}" is no bucket and its count`)
    addLatency(histogram, Number(bucket), Number(count))
  }
  return histogram
}
